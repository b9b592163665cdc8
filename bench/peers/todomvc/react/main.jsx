/** @jsxImportSource react */
import { memo, useCallback, useReducer } from "react";
import { createRoot } from "react-dom/client";

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
    <li className={completed ? "completed" : ""}>
      <div className="view">
        <input className="toggle" type="checkbox" aria-labelledby={id} checked={completed} onChange={() => dispatch({ kind: "toggle", id })} />
        <label id={id} dir="auto">{title}</label>
        <button className="pencil" type="button" aria-label="Edit" aria-describedby={id} />
        <button className="destroy" type="button" aria-label="Delete" aria-describedby={id} onClick={() => dispatch({ kind: "remove", id })} />
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
    <section className="todoapp">
      <header className="header">
        <h1>todos</h1>
        <input className="new-todo" type="text" placeholder="What needs to be done?" autoFocus onKeyDown={add} />
      </header>
      <section className="main" hidden={todos.length === 0}>
        <input className="toggle-all" type="checkbox" checked={todos.length > 0 && left === 0} readOnly />
        <ul className="todo-list" role="list">
          {todos.map((todo) => <Item key={todo.id} todo={todo} dispatch={dispatch} />)}
        </ul>
      </section>
      <footer className="footer" hidden={todos.length === 0}>
        <span className="todo-count"><strong>{left}</strong>{left === 1 ? " item left" : " items left"}</span>
        <button className="clear-completed" type="button" hidden={left === todos.length}>Clear completed</button>
      </footer>
    </section>
  );
}

createRoot(document.getElementById("app")).render(<App />);
