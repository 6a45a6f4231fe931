// Parts of a page that follow what happens: [data-live] is fetched again every so many seconds.
// When the page's own state has moved on, the whole page is. Without script a <noscript> refresh does it.
const parts = () => [...document.querySelectorAll("[data-live][id]")];
const state = (root) => root.querySelector("[data-live-state]")?.dataset.liveState;
const seconds = Math.max(2, Number(parts()[0]?.dataset.live) || 4);

async function look() {
  if (document.hidden || !parts().length) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (state(fresh) !== state(document)) {
    location.reload();
    return;
  }
  for (const part of parts()) {
    const found = fresh.getElementById(part.id);
    if (found && found.innerHTML !== part.innerHTML) part.replaceChildren(...found.childNodes);
  }
}

setInterval(() => look().catch(() => {}), seconds * 1000);
