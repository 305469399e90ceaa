// A state -> what the reader sees of it: a dialog over the page while the site cannot be built, a small button in the
// corner while there is anything to tell. Every word of it is text: nothing that stands in a file becomes markup.

const DISMISSED = "obverse-dismissed"; // in sessionStorage: the problems that were read and put aside

let parts; // made when there is something to show

export function show(state) {
  if (!parts && state.problems.length === 0) return;
  parts ??= make();
  const told = JSON.stringify(state.problems);
  if (parts.blocked && !state.blocked) parts.dialog.close();
  if (told !== parts.told || state.blocked !== parts.blocked) {
    Object.assign(parts, { told, blocked: state.blocked });
    fill(state);
  }
  if (state.blocked && !parts.dialog.open && sessionStorage.getItem(DISMISSED) !== told) parts.dialog.showModal();
}

function make() {
  const host = document.createElement("obverse-problems");
  const root = host.attachShadow({ mode: "open" });
  const style = element("link", { rel: "stylesheet", href: "/_ob/overlay.css" });
  const badge = element("button", { type: "button", className: "badge" });
  const corner = element("div", { className: "corner", role: "status" }, badge);
  const title = element("h2", { id: "title", tabIndex: -1, autofocus: true });
  const note = element("p", { className: "note" });
  const list = element("ol", { className: "problems" });
  const close = element("button", { type: "button", className: "close", textContent: "Close" });
  const dialog = element("dialog", {}, element("div", { className: "head" }, title, close), note, list);
  dialog.setAttribute("aria-labelledby", "title");
  dialog.addEventListener("cancel", put);
  close.addEventListener("click", () => {
    put();
    dialog.close();
  });
  badge.addEventListener("click", () => dialog.showModal());
  root.append(style, corner, dialog);
  document.body.append(host);
  return { host, corner, badge, dialog, title, note, list };
}

function put() {
  if (parts.blocked) sessionStorage.setItem(DISMISSED, parts.told);
}

function fill({ blocked, problems, total, tally }) {
  parts.title.textContent = blocked ? `The site cannot be built: ${tally}` : tally;
  parts.note.textContent = blocked ? "What you see is the last good build. This closes by itself when all is mended." : "";
  parts.list.replaceChildren(...problems.map(item));
  if (total > problems.length) {
    parts.list.append(element("li", { textContent: `and ${total - problems.length} more, all in the terminal` }));
  }
  parts.badge.textContent = tally;
  parts.badge.classList.toggle("error", blocked);
  parts.corner.hidden = total === 0;
}

function item(problem) {
  const level = element("span", { className: problem.level, textContent: problem.level });
  const place = element("code", { className: "place", textContent: problem.place });
  const lines = [
    element("p", { className: "where" }, place, " ", level),
    element("p", { className: "message", textContent: problem.message }),
  ];
  if (problem.excerpt) lines.push(source(problem));
  if (problem.hint) lines.push(element("p", { className: "hint", textContent: problem.hint }));
  return element("li", {}, ...lines);
}

// The caret stands under its letter whatever the letters before it are: they push it there, unseen.
function source({ excerpt, column, line }) {
  const pre = element("pre", { tabIndex: 0 }, element("code", { textContent: excerpt }));
  pre.setAttribute("aria-label", line ? `line ${line}` : "source");
  if (column) {
    const before = [...excerpt].slice(0, column - 1).join("");
    const push = element("span", { className: "push", textContent: before.padEnd(column - 1) });
    const caret = element("span", { className: "caret" }, "\n", push, "^");
    caret.setAttribute("aria-hidden", "true");
    pre.append(caret);
  }
  return pre;
}

function element(name, values, ...children) {
  const made = Object.assign(document.createElement(name), values);
  made.append(...children);
  return made;
}
