"use strict";
// What every page does: repeat the session's secret, draw JSON, and put "/" into the search.
document.body.addEventListener("htmx:configRequest", (event) => {
  const csrf = document.body.dataset.csrf;
  if (csrf) event.detail.headers["X-CSRF-Token"] = csrf;
});
// A page that nobody sees asks for nothing, and a poll takes no form away that somebody is in.
document.body.addEventListener("htmx:beforeRequest", (event) => {
  const element = event.detail.elt;
  const polls = (element.getAttribute("hx-trigger") || "").startsWith("every");
  const busy = element.id === "live" && element.contains(document.activeElement);
  if (polls && (document.hidden || busy)) event.preventDefault();
});
// What is wrong stays open while the figures around it are drawn again.
document.body.addEventListener("htmx:beforeSwap", () => {
  const open = document.querySelector("#findings[open]");
  if (open) document.body.addEventListener("htmx:afterSwap", () => document.getElementById("findings")?.setAttribute("open", ""), { once: true });
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.getElementById("find").focus();
  } else if (event.key === "Escape" && typing) {
    typing.blur();
  }
});

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/g;

// Indent JSON as the text has it: no number and no escape becomes another.
function draw(element) {
  const text = element.textContent;
  const tokens = text.match(TOKEN) || [];
  const bare = (each) => each.replace(/\s+/g, "");
  // Something else than JSON stays as it is.
  if (bare(tokens.join("")) !== bare(text) || text.length > 500000) return;
  const made = document.createDocumentFragment();
  let depth = 0;
  const put = (value, kind) => {
    if (!kind) return made.append(value);
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = value;
    made.append(span);
  };
  const line = () => put("\n" + "  ".repeat(depth));
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    if (token === "{" || token === "[") {
      put(token);
      depth += 1;
      if (next !== "}" && next !== "]") line();
    } else if (token === "}" || token === "]") {
      depth -= 1;
      const before = tokens[index - 1];
      if (before !== "{" && before !== "[") line();
      put(token);
    } else if (token === ",") {
      put(token);
      line();
    } else if (token === ":") {
      put(": ");
    } else if (token[0] === '"') {
      put(token, next === ":" ? "j-key" : "j-string");
    } else {
      put(token, /[a-z]/.test(token[0]) ? "j-word" : "j-number");
    }
  });
  element.replaceChildren(made);
}
document.querySelectorAll("pre.json").forEach(draw);
