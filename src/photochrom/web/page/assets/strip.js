// A row of pictures, one of which is chosen: a radio group, with the keyboard of one.

export default function ({ parentElement, data, setTriggerValue }) {
  const strip = parentElement.querySelector(".strip");
  const { items } = data;
  strip.setAttribute("aria-label", data.label);
  strip.classList.toggle("grid", data.grid);
  parentElement.querySelector(".row").classList.toggle("dark", isDark(strip));
  while (strip.children.length > items.length) strip.lastChild.remove();
  while (strip.children.length < items.length) strip.append(newItem());

  const mark = (chosen) => {
    [...strip.children].forEach((button, index) => {
      button.setAttribute("aria-checked", index === chosen);
      button.tabIndex = index === (chosen ?? 0) ? 0 : -1;
    });
    const button = strip.children[chosen];
    if (button && strip.chosen !== chosen) strip.scrollLeft = button.offsetLeft - (strip.clientWidth - button.offsetWidth) / 2;
    strip.chosen = chosen;
  };
  const pick = (index) => {
    if (data.chosen !== null) mark(index); // ahead of the answer
    setTriggerValue("pick", index);
  };

  items.forEach(({ image, caption, state }, index) => {
    const button = strip.children[index];
    const [picture, words, condition] = button.children;
    if (picture.src !== image) picture.src = image;
    words.textContent = caption;
    condition.textContent = state;
    button.title = caption;
    button.dataset.state = state;
    button.setAttribute("aria-label", state ? `${caption}, ${state}` : caption);
    button.onclick = () => pick(index);
    button.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      strip.children[(index + step + items.length) % items.length].focus();
    };
  });
  for (const button of parentElement.querySelectorAll(".step")) {
    button.hidden = !data.steps;
    button.onclick = () => pick((strip.chosen + Number(button.dataset.step) + items.length) % items.length);
  }
  mark(data.chosen);
}

function newItem() {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("role", "radio");
  const picture = document.createElement("img");
  picture.alt = "";
  const [caption, state] = ["caption", "state"].map((name) => {
    const span = document.createElement("span");
    span.className = name;
    return span;
  });
  button.append(picture, caption, state);
  return button;
}

function isDark(element) {
  const [red, green, blue] = getComputedStyle(element).color.match(/[\d.]+/g).map(Number);
  return red + green + blue > 384; // the text is bright
}
