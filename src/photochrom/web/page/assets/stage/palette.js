// The panel in which the colour of the chosen pin is said.

const NARROW = window.matchMedia("(max-width: 640px)"); // where it lies at the bottom
const GAP = 18; // pixels between it and the pin

class Palette {
  constructor(stage, panel) {
    const find = (selector) => panel.querySelector(selector);
    Object.assign(this, { stage, panel });
    this.likely = find(".likely");
    this.named = find(".named");
    this.free = find("input[type=color]");
    this.keep = find("[data-do=keep]");
    this.only = find(".only");
    this.size = find(".size");
    this.remember = find(".remember");
    this.forget = find(".forget");
    this.keep.onclick = () => this.paint("keep");
    this.free.onchange = () => this.paint(this.free.value);
    this.only.onchange = () => this.reach();
    this.size.oninput = () => this.reach({ ahead: true });
    this.size.onchange = () => this.reach();
    find("[data-do=close]").onclick = () => this.close();
    find("[data-do=delete]").onclick = () => stage.remove(stage.data.chosen.id);
    this.remember.onsubmit = (event) => {
      event.preventDefault();
      const name = find(".name").value.trim();
      const { color } = stage.data.chosen;
      if (name && color) stage.tell({ do: "remember", name, color });
    };
    this.forget.onclick = () => stage.tell({ do: "forget", name: this.forget.name });
  }

  close() {
    this.stage.data.chosen = null;
    this.show();
    this.stage.tell({ do: "close" });
  }

  paint(color) {
    const { data, chosen } = this.stage;
    chosen.color = data.chosen.color = color;
    this.stage.showPins();
    this.show();
    this.stage.tell({ do: "paint", id: chosen.id, color });
  }

  // How far the colour goes: to the whole thing, or to a disc.
  reach({ ahead = false } = {}) {
    const { chosen } = this.stage;
    this.size.hidden = !this.only.checked;
    chosen.radius = this.only.checked ? this.size.value / 100 : null;
    this.stage.showPins();
    if (!ahead) this.stage.tell({ do: "reach", id: chosen.id, radius: chosen.radius });
  }

  show() {
    const { chosen, named } = this.stage.data;
    this.panel.hidden = !chosen;
    if (!chosen) return;
    resize(this.likely, chosen.palette.length, "swatch");
    chosen.palette.forEach(({ color, label }, index) => {
      const button = this.likely.children[index];
      button.style.background = color;
      button.title = label;
      button.setAttribute("aria-label", label);
      this.offer(button, color);
    });
    resize(this.named, named.length, "");
    named.forEach(({ name, color }, index) => {
      const button = this.named.children[index];
      if (!button.children.length) button.append(document.createElement("i"), document.createElement("span"));
      button.firstChild.style.background = color;
      button.lastChild.textContent = button.title = name;
      this.offer(button, color);
    });
    this.keep.setAttribute("aria-pressed", chosen.color === "keep");
    const colored = Boolean(chosen.color) && chosen.color !== "keep";
    this.free.value = colored ? chosen.color : chosen.now;
    const known = named.find(({ color }) => color === chosen.color);
    this.remember.hidden = !colored || Boolean(known);
    this.forget.hidden = !known;
    if (known) {
      this.forget.name = known.name;
      this.forget.textContent = `Forget “${known.name}”`;
    }
    if (this.shown !== chosen.id) this.remember.reset();
    this.shown = chosen.id;
    if (this.panel.getRootNode().activeElement === this.size) return;
    this.only.checked = Boolean(chosen.radius);
    this.size.hidden = !chosen.radius;
    this.size.value = 100 * (chosen.radius || 0.05);
  }

  offer(button, color) {
    button.setAttribute("aria-pressed", color === this.stage.data.chosen.color);
    button.onclick = () => this.paint(color);
  }

  // Beside the chosen pin, where there is room; on a phone at the bottom, with the pin above it.
  place() {
    const pin = this.stage.pins.querySelector(".chosen");
    if (this.panel.hidden || !pin) return;
    if (NARROW.matches) {
      if (this.above !== pin) pin.scrollIntoView({ block: "nearest", behavior: "smooth" });
      this.above = pin;
      return;
    }
    const [around, at] = [this.stage.stage, pin].map((each) => each.getBoundingClientRect());
    const { offsetWidth: width, offsetHeight: height } = this.panel;
    const [left, right] = [at.left - around.left - GAP - width, at.right - around.left + GAP];
    const x = right + width <= around.width || left < 0 ? Math.min(right, around.width - width) : left;
    const middle = (at.top + at.bottom) / 2 - around.top - height / 2;
    const y = Math.min(Math.max(middle, this.stage.bar.offsetHeight + 8), around.height - height);
    this.panel.style.left = `${Math.max(x, 0)}px`;
    this.panel.style.top = `${Math.max(y, 0)}px`;
  }
}

// Gives a row as many buttons; those that stay keep the focus.
function resize(row, count, className) {
  while (row.children.length > count) row.lastChild.remove();
  while (row.children.length < count) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = className;
    row.append(button);
  }
}
