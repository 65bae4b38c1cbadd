// A row of pictures, one of which is chosen: a radio group, with the keyboard of one.

export default function ({ parentElement, data, setTriggerValue }) {
  const strip = parentElement.querySelector(".strip");
  strip.setAttribute("aria-label", data.label);
  while (strip.children.length > data.items.length) strip.lastChild.remove();
  while (strip.children.length < data.items.length) strip.append(newItem());
  data.items.forEach(({ image, caption, state }, index) => {
    const button = strip.children[index];
    const [picture, words] = button.children;
    if (picture.src !== image) picture.src = image;
    words.textContent = caption;
    button.title = caption;
    button.dataset.state = state;
    button.setAttribute("aria-label", state ? `${caption}, ${state}` : caption);
    const chosen = index === data.chosen;
    button.setAttribute("aria-checked", chosen);
    button.tabIndex = chosen || (data.chosen === null && index === 0) ? 0 : -1;
    if (chosen && strip.chosen !== index) strip.scrollLeft = button.offsetLeft - strip.clientWidth / 2;
    button.onclick = () => setTriggerValue("pick", index);
    button.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      strip.children[(index + step + data.items.length) % data.items.length].focus();
    };
  });
  strip.chosen = data.chosen;
}

function newItem() {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("role", "radio");
  const picture = document.createElement("img");
  picture.alt = "";
  button.append(picture, document.createElement("span"));
  return button;
}
