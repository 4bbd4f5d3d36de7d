// Keeps the state of an order up to date without reloading the page.
const live = document.getElementById("live");
const spoken = document.getElementById("spoken");

// state returns the element with the state of the order.
function state(within) {
  return within.querySelector("[data-version]");
}

// dress shows the controls that need this script.
function dress() {
  for (const button of live.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
  }
  countDown();
}

function countDown() {
  const left = document.getElementById("left");
  if (left === null) {
    return;
  }
  const until = Date.parse(left.previousElementSibling.dateTime);
  const minutes = Math.max(0, Math.floor((until - Date.now()) / 60000));
  const parts = [[Math.floor(minutes / 1440), "d"], [Math.floor(minutes / 60) % 24, "h"], [minutes % 60, "min"]];
  const first = parts.findIndex(([count]) => count > 0);
  const shown = first < 0 ? parts.slice(2) : parts.slice(first, first + 2);
  left.textContent = `(${shown.map(([count, unit]) => `${count} ${unit}`).join(" ")} left)`;
}

async function look() {
  const response = await fetch(live.dataset.url, { cache: "no-store" });
  if (!response.ok) {
    return;
  }
  const text = await response.text();
  const fresh = new DOMParser().parseFromString(text, "text/html");
  if (state(fresh).dataset.version === state(live).dataset.version) {
    return;
  }
  live.innerHTML = text;
  dress();
  const title = live.querySelector("h1").textContent;
  spoken.textContent = title;
  document.title = `${title} · Callisto Observatory`;
}

// follow polls while something can change: every two seconds while a payment is
// in progress, otherwise as often as a page without a script reloads.
function follow() {
  const seconds = Number(state(live).dataset.refresh);
  if (seconds === 0) {
    return;
  }
  setTimeout(async () => {
    await look().catch(() => {}); // offline; the next attempt may succeed
    follow();
  }, seconds > 10 ? seconds * 1000 : 2000);
}

live.addEventListener("click", async (event) => {
  const id = event.target.dataset.copy;
  if (id) {
    await navigator.clipboard.writeText(document.getElementById(id).textContent);
    event.target.textContent = "Copied";
    spoken.textContent = "Copied";
  }
});

dress();
setInterval(countDown, 20000);
follow();
