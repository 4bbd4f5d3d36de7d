// Keeps the payment page as it is now. The server renders the page; this asks
// whether anything has changed, and if so puts the new parts in the place of
// the old ones. Without it the page reloads itself.
"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const panel = document.querySelector(".panel");
  const payment = live.dataset.payment;
  const seen = "jovepay-returned-" + payment;
  let revision = live.dataset.revision;
  let warned = Infinity; // the fewest seconds left that were announced
  let leaving = 0; // the timer of the return to the shop

  const byId = (id) => document.getElementById(id);
  const show = (id, on) => { byId(id).hidden = !on; };
  // announce lets a screen reader say it. Each one is an element of its own:
  // two that come together are both read.
  const announce = (text) => {
    const line = document.createElement("p");
    line.textContent = text;
    const news = byId("news");
    news.append(line);
    if (news.childElementCount > 5) news.firstElementChild.remove();
  };

  async function get(address, type) {
    const answer = await fetch(address, {
      headers: { Accept: type }, cache: "no-store", signal: AbortSignal.timeout(10000),
    });
    if (!answer.ok) throw new Error("status " + answer.status);
    return answer;
  }

  // renew puts in what has changed, and leaves alone what has not, so that
  // focus and selection stay.
  async function renew(now) {
    const before = byId("status-title").textContent;
    const answer = await get("/payment/?pid=" + encodeURIComponent(payment), "text/html");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = document.activeElement && document.activeElement.id;
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(old.id);
      // Compared as the server sent them: the script has changed the old one.
      if (!fresh || fresh.outerHTML === sent.get(old.id)) continue;
      sent.set(old.id, fresh.outerHTML);
      old.replaceWith(document.adoptNode(fresh));
    }
    document.title = page.title;
    byId("title").textContent = page.getElementById("title").textContent;
    revision = page.getElementById("live").dataset.revision;
    if (focused && document.activeElement === document.body) {
      const again = byId(focused);
      (again && !again.disabled && !again.hidden ? again : byId("main")).focus({ preventScroll: true });
    }
    if (byId("status-title").textContent !== before) announce(now.headline + ". " + now.detail);
    dress();
  }

  // dress makes usable what needs this script.
  function dress() {
    for (const button of document.querySelectorAll(".copy")) {
      button.hidden = false;
      button.onclick = () => copy(button);
    }
    const soon = byId("back-soon");
    const busy = panel.contains(document.activeElement);
    if (soon && !leaving && !busy && !sessionStorage.getItem(seen)) leave(soon);
    if (!soon) stay();
  }

  async function copy(button) {
    const source = byId(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
      announce("Copied");
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected";
      announce("Selected. Copy it with the keyboard.");
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }

  // leave returns to the shop after a while that can be seen and stopped. It
  // does so once: who comes back stays.
  function leave(soon) {
    let seconds = Number(soon.dataset.seconds);
    soon.hidden = false;
    byId("back-stay").onclick = () => { stay(); byId("back-link").focus(); };
    announce("This page goes back to the shop in " + seconds + " seconds, unless you choose to stay.");
    leaving = setInterval(() => {
      if (!byId("back-seconds")) return stay();
      seconds -= 1;
      byId("back-seconds").textContent = seconds;
      if (seconds > 0) return;
      const link = byId("back-link");
      stay();
      location.assign(link.href);
    }, 1000);
  }
  function stay() {
    if (!leaving) return;
    clearInterval(leaving);
    leaving = 0;
    sessionStorage.setItem(seen, "yes");
    if (byId("back-soon")) show("back-soon", false);
  }

  function count(left) {
    const countdown = byId("countdown");
    if (!countdown || left.text === "") return;
    countdown.textContent = left.text;
    for (const [limit, text] of [[60, "One minute left"], [300, "Five minutes left"]]) {
      if (left.seconds > 0 && left.seconds <= limit && warned > limit) {
        if (warned !== Infinity) announce(text);
        break;
      }
    }
    warned = left.seconds;
  }

  async function look() {
    let again = 1000;
    try {
      if (!document.hidden) {
        const answer = await get("/payment/status?pid=" + encodeURIComponent(payment), "application/json");
        const now = await answer.json();
        count({ text: now.remaining, seconds: now.seconds_left });
        if (now.revision !== revision) await renew(now);
        show("offline", false);
      }
    } catch {
      show("offline", true);
      again = 3000;
    }
    setTimeout(look, again);
  }

  // The parts as the server sent them, to tell what has changed.
  const sent = new Map();
  for (const part of document.querySelectorAll("[data-live]")) sent.set(part.id, part.outerHTML);
  dress();
  // Who works with the sandbox's buttons wants to stay.
  panel.addEventListener("pointerdown", stay);
  panel.addEventListener("focusin", stay);
  setTimeout(look, 1000);
})();
