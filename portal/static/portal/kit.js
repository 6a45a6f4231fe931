// The kit's behaviour. Every page works without it; it copies, remembers, opens and answers keys.
const root = document.documentElement;
const words = document.body.dataset;
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

const remember = (name, value) => {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const age = value ? 31536000 : 0;
  document.cookie = `${name}=${value}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
};

// Toasts: short, polite, gone after eight seconds unless the pointer or the focus rests on them.
export function toast(text) {
  const box = document.createElement("div");
  box.className = "toast";
  box.textContent = text;
  $("[data-toasts]").append(box);
  const leave = () => (box.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : box.remove());
  setTimeout(leave, 8000);
}
window.kit = { toast };

// Copy
async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    toast(words.copyFailed);
    return;
  }
  const label = $("span", button);
  if (label && !button.dataset.label) {
    button.dataset.label = label.textContent;
    label.textContent = words.copied;
    button.classList.add("is-done");
    setTimeout(() => {
      label.textContent = button.dataset.label;
      button.classList.remove("is-done");
      delete button.dataset.label;
    }, 2000);
  }
  toast(words.copied);
}

// Dialogs: commandfor where the browser knows it, the same by hand where it does not.
const knowsCommands = "commandForElement" in HTMLButtonElement.prototype;
function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog?.showModal && !dialog.open) dialog.showModal();
}

document.addEventListener("click", (event) => {
  const on = (selector) => event.target.closest(selector);
  let found;
  if ((found = on("[data-copy]"))) {
    const source = document.getElementById(found.dataset.copy);
    copy((source.value ?? source.textContent).trim(), found);
  } else if ((found = on("[data-copy-text]"))) {
    copy(found.dataset.copyText, found);
  } else if ((found = on("[data-open]"))) {
    event.preventDefault();
    openDialog(found.dataset.open);
  } else if ((found = on("[data-close]"))) {
    found.closest("dialog").close();
  } else if ((found = on("[data-dismiss]"))) {
    found.closest(".notice").remove();
  } else if (on("[data-print]")) {
    window.print();
  } else if (!knowsCommands && (found = on("button[commandfor]"))) {
    const dialog = document.getElementById(found.getAttribute("commandfor"));
    if (found.getAttribute("command") === "close") dialog.close();
    else openDialog(dialog.id);
  }
  // A press on the backdrop closes; a press elsewhere folds open menus.
  if (event.target.matches("dialog[open]") && !event.target.matches("[data-stays]")) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside && event.detail) event.target.close();
  }
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-select]")) event.target.select();
});

// allauth tells of a passkey that did not come about.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  toast(words.passkeyFailed);
});

// Theme
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-theme-switch]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  const theme = event.submitter.value;
  remember("theme", theme);
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  $('meta[name="color-scheme"]').content = theme || "light dark";
  for (const button of $$("[data-theme-switch] button")) button.setAttribute("aria-pressed", String(button.value === theme));
});

// Forms: go to what is wrong, send once, Ctrl+Enter sends.
$("[data-error-summary]:not([data-sample] *)")?.focus();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 4000);
});

// Palette: the page's own places, narrowed by typing; Enter goes there or searches.
const palette = $("#palette");
if (palette) {
  const form = $("form", palette);
  const input = $("input", form);
  const list = $("ul", form);
  const none = $("[data-none]", form);
  let shown = [];
  let chosen = 0;
  const places = () => {
    const seen = new Set();
    return $$(".rail a, .switcher a, .menu-panel a, [data-command]")
      .map((link) => ({ text: ($(".grow", link)?.firstChild ?? $("span:not(.count)", link) ?? link).textContent.trim(), url: link.href, icon: $(".icon", link) }))
      .filter(({ text, url }) => text && !seen.has(url) && seen.add(url));
  };
  const mark = (index) => {
    chosen = Math.max(0, Math.min(index, shown.length - 1));
    $$("li", list).forEach((row, at) => row.setAttribute("aria-selected", String(at === chosen)));
    const row = list.children[chosen];
    if (row) {
      input.setAttribute("aria-activedescendant", row.id);
      row.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  };
  const narrow = () => {
    const asked = input.value.trim();
    shown = places().filter(({ text }) => text.toLocaleLowerCase().includes(asked.toLocaleLowerCase()));
    if (asked && form.dataset.search) shown.push({ text: `${form.dataset.search} “${asked}”`, url: `${form.action}?q=${encodeURIComponent(asked)}` });
    list.replaceChildren(
      ...shown.map(({ text, icon }, at) => {
        const row = document.createElement("li");
        row.id = `palette-${at}`;
        row.role = "option";
        if (icon) row.append(icon.cloneNode(true));
        row.append(text);
        row.addEventListener("click", () => go(at));
        row.addEventListener("pointermove", () => mark(at));
        return row;
      }),
    );
    none.hidden = shown.length > 0;
    mark(0);
  };
  const go = (at) => shown[at] && location.assign(shown[at].url);
  input.addEventListener("input", narrow);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      mark(chosen + step);
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(chosen);
  });
  new MutationObserver(() => {
    if (palette.open) {
      input.value = "";
      narrow();
      input.focus();
    }
  }).observe(palette, { attributeFilter: ["open"] });
}

// Keys
$("[data-shortcuts-switch]")?.addEventListener("change", (event) => {
  remember("shortcuts", event.target.checked ? "" : "off");
  root.dataset.shortcuts = event.target.checked ? "on" : "off";
});
let row = -1;
function move(by) {
  const rows = $$("[data-rows] tbody > tr").filter((one) => $("a, input", one));
  if (!rows.length) return;
  rows[row]?.classList.remove("is-current");
  row = Math.max(0, Math.min(row + by, rows.length - 1));
  rows[row].classList.add("is-current");
  ($("[data-open-row]", rows[row]) ?? $("a", rows[row]))?.focus();
}
const inRow = (selector) => $(`[data-rows] tr.is-current ${selector}`);
const letters = {
  j: () => move(1),
  k: () => move(-1),
  x: () => inRow('input[type="checkbox"]')?.click(),
  e: () => inRow("a[data-money]")?.click(),
  "/": () => ($("[data-filters] input:not([type=hidden])") ?? $("[type=search]:not(dialog *)"))?.focus(),
  "?": () => openDialog("shortcuts"),
};
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openDialog("palette");
    return;
  }
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    event.target.form?.requestSubmit();
    return;
  }
  if (event.key === "Escape") {
    const menu = $("details.menu[open]");
    if (menu) {
      menu.open = false;
      $("summary", menu).focus();
    }
    return;
  }
  const writes = event.target.matches("input, select, textarea, [contenteditable]");
  if (writes || event.ctrlKey || event.metaKey || event.altKey || root.dataset.shortcuts === "off" || $("dialog[open]")) return;
  const control = $(`[data-key="${CSS.escape(event.key)}"]`);
  const does = control ? () => control.click() : letters[event.key];
  if (does) {
    event.preventDefault();
    does();
  }
});

// A table that is wider than its place is scrolled by keyboard too, also where nothing in it takes the focus.
const wide = () => {
  for (const wrap of document.querySelectorAll(".table-wrap")) {
    if (wrap.scrollWidth > wrap.clientWidth) {
      wrap.tabIndex = 0;
      wrap.setAttribute("role", "group");
      wrap.setAttribute("aria-label", $("caption", wrap)?.textContent ?? "");
    } else wrap.removeAttribute("tabindex");
  }
};
wide();
addEventListener("resize", wide);
