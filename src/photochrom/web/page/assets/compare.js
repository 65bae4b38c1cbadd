// Before and after under a divider that moves by itself until somebody takes it.

export default function ({ parentElement, data }) {
  const box = parentElement.querySelector(".compare");
  const [after, before] = box.querySelectorAll("img");
  const slider = box.querySelector("input");
  box.style.aspectRatio = `${data.width} / ${data.height}`;
  if (!data.moving) box.style.maxWidth = `${(68 * data.width) / data.height}vh`; // nothing is cut off
  if (before.src !== data.before) before.src = data.before;
  if (after.src !== data.after) after.src = data.after;
  before.alt = `${data.name}, the original`;
  after.alt = `${data.name}, in colour`;
  const divide = (percent) => {
    before.style.clipPath = `inset(0 ${100 - percent}% 0 0)`;
    box.querySelector(".line").style.left = `${percent}%`;
    slider.setAttribute("aria-valuetext", `${Math.round(percent)} % of the original`);
  };
  slider.oninput = () => {
    box.taken = true;
    divide(Number(slider.value));
  };
  divide(Number(slider.value));
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!data.moving || still || box.started) return;
  box.started = performance.now();
  const move = (now) => {
    if (box.taken || !box.isConnected || now - box.started > 12000) return;
    slider.value = 50 + 42 * Math.sin((now - box.started) / 1300);
    divide(Number(slider.value));
    requestAnimationFrame(move);
  };
  requestAnimationFrame(move);
}
