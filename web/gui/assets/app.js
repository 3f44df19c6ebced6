// What pages can do beyond links and forms. Nothing of it is needed to use them.
(() => {
  "use strict";
  const all = (root, selector) => root.querySelectorAll(selector);

  // Copies a snippet; where a page may not write to the clipboard its text is selected instead.
  const copy = async (button) => {
    const code = button.parentElement.querySelector("code");
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = button.dataset.copied;
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = button.dataset.byHand;
    }
    button.addEventListener("blur", () => { button.textContent = label; }, { once: true });
  };

  // Times as the reader's clock has them, with what they are exactly beside.
  const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
  const relative = (time) => {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) return;
    const language = document.documentElement.lang;
    const seconds = (at.getTime() - Date.now()) / 1000;
    const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
    const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
    time.title = at.toLocaleString(language, { dateStyle: "medium", timeStyle: "long" });
    time.textContent = words.format(Math.round(seconds / size), unit);
  };

  const prepare = (root) => {
    for (const button of all(root, "button.copy")) button.hidden = false;
    for (const time of all(root, "time")) relative(time);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.copy");
    if (button) copy(button);
    // An open menu of the bar closes when one clicks elsewhere.
    for (const open of all(document, "details.drop[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });

  // Keys: `/` searches, `g` and a letter go to a screen, Escape closes a menu.
  let going = false;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const open of all(document, "details.drop[open]")) {
        open.open = false;
        open.querySelector("summary").focus();
      }
    }
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const entry = going && document.querySelector(`.menu a[data-key="${CSS.escape(event.key)}"]`);
    going = event.key === "g";
    if (entry) {
      event.preventDefault();
      entry.click();
    } else if (event.key === "/") {
      const field = document.querySelector("input[type=search]");
      if (field) {
        event.preventDefault();
        field.focus();
      }
    }
  });

  prepare(document);
  document.addEventListener("htmx:after:swap", (event) => prepare(event.target));
})();
