// What pages can do beyond links and forms. Nothing of it is needed to use them.
(() => {
  "use strict";
  const all = (root, selector) => root.querySelectorAll(selector);

  // Copies a snippet; where a page may not write to the clipboard its text is selected instead.
  const copy = async (button) => {
    const code = button.parentElement.querySelector("code");
    const label = button.innerHTML;
    try {
      await navigator.clipboard.writeText(button.dataset.copy ?? code.textContent);
      button.textContent = button.dataset.copied;
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = button.dataset.byHand;
    }
    button.addEventListener("blur", () => { button.innerHTML = label; }, { once: true });
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

  // Suggestions below the search field (the combobox pattern of WAI-ARIA): arrows choose, Enter opens,
  // Escape closes.
  const suggest = (field) => {
    const list = field.parentElement.querySelector("[role=listbox]");
    let timer, asked, chosen = -1;
    const options = () => [...all(list, "[role=option]")];
    const show = (open) => {
      list.hidden = !open;
      field.setAttribute("aria-expanded", String(open));
      if (!open) choose(-1);
    };
    const choose = (at) => {
      chosen = at;
      options().forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
      if (at < 0) field.removeAttribute("aria-activedescendant");
      else field.setAttribute("aria-activedescendant", options()[at].id);
    };
    const ask = async () => {
      asked?.abort();
      asked = new AbortController();
      const text = field.value.trim();
      if (text.length < 2) return show(false);
      try {
        const path = `${field.dataset.suggest}?q=${encodeURIComponent(text)}`;
        const answer = await fetch(path, { signal: asked.signal });
        list.innerHTML = answer.ok && !answer.redirected ? await answer.text() : "";
        show(options().length > 0 && document.activeElement === field);
      } catch { /* the next letter asks again */ }
    };
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", list.id);
    show(false);
    field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 150); });
    field.addEventListener("keydown", (event) => {
      const count = options().length;
      if (list.hidden || count === 0) return;
      if (event.key === "ArrowDown") choose((chosen + 1) % count);
      else if (event.key === "ArrowUp") choose(chosen <= 0 ? count - 1 : chosen - 1);
      else if (event.key === "Enter" && chosen >= 0) options()[chosen].click();
      else if (event.key === "Escape") show(false);
      else return;
      event.preventDefault();
    });
    field.parentElement.addEventListener("focusout", (event) => {
      if (!field.parentElement.contains(event.relatedTarget)) show(false);
    });
  };

  // Keys: `/` searches, `g` and a letter go to a screen, `j` and `k` walk rows, `y` copies, `?` lists
  // them, Escape closes a menu. All but Escape and Ctrl+K can be turned off.
  let going = false;
  const search = (event) => {
    const field = document.querySelector("input[type=search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
  };
  const walk = (step) => {
    const rows = [...all(document, "tbody th a, tbody td:first-child a")];
    const here = rows.indexOf(document.activeElement);
    const next = rows[here < 0 ? (step > 0 ? 0 : rows.length - 1) : here + step];
    if (next) next.focus();
  };
  const keys = {
    "/": search,
    j: () => walk(1),
    k: () => walk(-1),
    y: () => document.querySelector("main .copy:not([hidden])")?.click(),
    "?": () => location.assign("/me/appearance#keys"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const open of all(document, "details.drop[open]")) {
        open.open = false;
        open.querySelector("summary").focus();
      }
    }
    if (event.key === "k" && (event.ctrlKey || event.metaKey)) search(event);
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const off = document.body.dataset.keys === "off";
    if (off || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const entry = going && document.querySelector(`.menu a[data-key="${CSS.escape(event.key)}"]`);
    going = event.key === "g";
    if (entry) {
      event.preventDefault();
      entry.click();
    } else if (Object.hasOwn(keys, event.key)) {
      keys[event.key](event);
    }
  });

  for (const field of all(document, "input[data-suggest]")) suggest(field);
  prepare(document);
  document.addEventListener("htmx:after:swap", (event) => prepare(event.target));
})();
