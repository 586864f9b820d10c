// Three comforts; without it the page says the same.
const nav = document.querySelector("nav");
const find = document.querySelector("#find");
const items = [...document.querySelectorAll("nav li[data-find]")];
find.addEventListener("input", () => {
  const words = find.value.toLowerCase().split(/\s+/);
  for (const item of items) item.hidden = !words.every((word) => item.dataset.find.includes(word));
  for (const chapter of document.querySelectorAll("nav > ul > li")) {
    const inner = [...chapter.querySelectorAll("li[data-find]")];
    chapter.hidden = find.value !== "" && inner.every((item) => item.hidden);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
  event.preventDefault();
  find.focus();
});

const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const seen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      document.querySelector('nav a[aria-current="location"]')?.removeAttribute("aria-current");
      const link = links.get(target.id);
      link?.setAttribute("aria-current", "location");
      // Beside the text only: above it, it would pull the reader back.
      if (link && getComputedStyle(nav).position === "sticky") link.scrollIntoView({ block: "nearest" });
    }
  },
  { rootMargin: "-10% 0px -80% 0px" },
);
for (const article of document.querySelectorAll("article[id]")) seen.observe(article);

// Browsers give no clipboard to a page that came by plain HTTP from another machine.
for (const block of navigator.clipboard ? document.querySelectorAll(".code pre") : []) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.textContent);
    button.textContent = "Copied";
    setTimeout(() => {
      button.textContent = "Copy";
    }, 1500);
  });
  block.before(button);
}
