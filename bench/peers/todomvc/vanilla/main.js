// What a hand would write: a node for each todo, which is changed where it stands.

const SKELETON = `
  <section class="todoapp">
    <header class="header">
      <h1>todos</h1>
      <input class="new-todo" type="text" placeholder="What needs to be done?" autofocus />
    </header>
    <section class="main" hidden>
      <input class="toggle-all" type="checkbox" />
      <ul class="todo-list" role="list"></ul>
    </section>
    <footer class="footer" hidden>
      <span class="todo-count"><strong></strong><span></span></span>
      <button class="clear-completed" type="button" hidden>Clear completed</button>
    </footer>
  </section>`;

const ITEM = document.createElement("template");
ITEM.innerHTML = `<li><div class="view"><input class="toggle" type="checkbox" /><label dir="auto"></label><button class="pencil" type="button" aria-label="Edit"></button><button class="destroy" type="button" aria-label="Delete"></button></div></li>`;

const app = document.getElementById("app");
app.innerHTML = SKELETON;
const [main, list, footer, count, clear, all] = [".main", ".todo-list", ".footer", ".todo-count", ".clear-completed", ".toggle-all"].map(
  (selector) => app.querySelector(selector),
);
const todos = new Map();

app.querySelector(".new-todo").addEventListener("keydown", ({ key, target }) => {
  const title = target.value.trim();
  if (key !== "Enter" || !title) return;
  add({ id: crypto.randomUUID(), title, completed: false });
  target.value = "";
});

function add(todo) {
  todos.set(todo.id, todo);
  const item = ITEM.content.firstChild.cloneNode(true);
  const [toggle, label, edit, remove] = item.firstChild.children;
  label.textContent = todo.title;
  label.id = todo.id;
  toggle.setAttribute("aria-labelledby", todo.id);
  for (const button of [edit, remove]) button.setAttribute("aria-describedby", todo.id);
  toggle.addEventListener("change", () => {
    todo.completed = toggle.checked;
    item.classList.toggle("completed", todo.completed);
    show();
  });
  remove.addEventListener("click", () => {
    todos.delete(todo.id);
    item.remove();
    show();
  });
  list.append(item);
  show();
}

function show() {
  let left = 0;
  for (const { completed } of todos.values()) left += completed ? 0 : 1;
  main.hidden = footer.hidden = todos.size === 0;
  count.firstChild.textContent = left;
  count.lastChild.textContent = left === 1 ? " item left" : " items left";
  clear.hidden = left === todos.size;
  all.checked = todos.size > 0 && left === 0;
}
