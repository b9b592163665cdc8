/** @jsxImportSource preact */
import { render } from "preact";
import { memo } from "preact/compat";
import { useCallback, useReducer } from "preact/hooks";

function reduce(todos, { kind, id, title }) {
  switch (kind) {
    case "add":
      return [...todos, { id: crypto.randomUUID(), title, completed: false }];
    case "toggle":
      return todos.map((todo) => (todo.id === id ? { ...todo, completed: !todo.completed } : todo));
    case "remove":
      return todos.filter((todo) => todo.id !== id);
  }
}

const Item = memo(function Item({ todo, dispatch }) {
  const { id, title, completed } = todo;
  return (
    <li class={completed ? "completed" : ""}>
      <div class="view">
        <input class="toggle" type="checkbox" aria-labelledby={id} checked={completed} onChange={() => dispatch({ kind: "toggle", id })} />
        <label id={id} dir="auto">{title}</label>
        <button class="pencil" type="button" aria-label="Edit" aria-describedby={id} />
        <button class="destroy" type="button" aria-label="Delete" aria-describedby={id} onClick={() => dispatch({ kind: "remove", id })} />
      </div>
    </li>
  );
});

function App() {
  const [todos, dispatch] = useReducer(reduce, []);
  const add = useCallback((event) => {
    const title = event.target.value.trim();
    if (event.key !== "Enter" || !title) return;
    dispatch({ kind: "add", title });
    event.target.value = "";
  }, []);
  const left = todos.filter((todo) => !todo.completed).length;
  return (
    <section class="todoapp">
      <header class="header">
        <h1>todos</h1>
        <input class="new-todo" type="text" placeholder="What needs to be done?" autoFocus onKeyDown={add} />
      </header>
      <section class="main" hidden={todos.length === 0}>
        <input class="toggle-all" type="checkbox" checked={todos.length > 0 && left === 0} readOnly />
        <ul class="todo-list" role="list">
          {todos.map((todo) => <Item key={todo.id} todo={todo} dispatch={dispatch} />)}
        </ul>
      </section>
      <footer class="footer" hidden={todos.length === 0}>
        <span class="todo-count"><strong>{left}</strong>{left === 1 ? " item left" : " items left"}</span>
        <button class="clear-completed" type="button" hidden={left === todos.length}>Clear completed</button>
      </footer>
    </section>
  );
}

render(<App />, document.getElementById("app"));
