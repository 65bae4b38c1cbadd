// The picture: before and after with a divider, and pins for hints. Python keeps the truth; what
// happens here is told to it, and drawn ahead of its answer.

const STEP = 0.01;

export default function (component) {
  const root = component.parentElement;
  const stage = root.querySelector(".stage");
  stage.control ??= new Stage(stage, component.data.key);
  stage.control.outbox.send = (message) => component.setTriggerValue("act", message);
  stage.control.show(component.data);
}

const clamp = (value, top = 1) => Math.min(Math.max(value, 0), top);

class Stage {
  constructor(stage, key) {
    const find = (selector) => stage.querySelector(selector);
    this.frame = find(".frame");
    this.before = find(".before");
    this.after = find(".after");
    this.doubt = find(".doubt");
    this.view = find(".view");
    this.details = { before: find(".before-side"), after: find(".after-side") };
    this.line = find(".line");
    this.handle = find(".handle");
    this.pins = find(".pins");
    this.bar = find(".bar");
    this.said = find(".say");
    this.buttons = Object.fromEntries(
      [...stage.querySelectorAll("[data-do]")].map((button) => [button.dataset.do, button]),
    );
    this.split = 0.5;
    this.stage = stage;
    this.outbox = new Outbox(stage, key);
    this.palette = new Palette(this, find(".palette"));
    this.onDivider();
    this.onFrame();
    this.onButtons();
    this.onPage();
    new ResizeObserver(() => this.fit()).observe(stage);
  }

  show(data) {
    this.data = data;
    this.outbox.confirm(data.heard);
    for (const [image, source] of [[this.before, data.before], [this.after, data.after]]) {
      if (image.src !== source) image.src = source;
    }
    this.before.alt = `${data.name}, the original`;
    this.after.alt = `${data.name}, in colour`;
    this.frame.setAttribute(
      "aria-label", `${data.name}. Click or tap a place to say what colour it is.`);
    this.doubt.hidden = !data.doubt;
    if (data.doubt) this.doubt.src = data.doubt;
    this.buttons.undo.disabled = !data.undoable;
    this.buttons.redo.disabled = !data.redoable;
    this.buttons.reset.disabled = !data.changed;
    this.unsaved = data.unsaved;
    this.buttons.add.disabled = data.pins.length >= data.most;
    this.said.textContent = data.said;
    this.fit();
    this.divide(this.split);
    this.showDetail();
    this.palette.show();
    this.showPins();
    this.palette.place();
  }

  tell(event) {
    this.outbox.put(event);
  }

  // The pin whose colour is asked for.
  get chosen() {
    return this.data.pins.find((pin) => pin.id === this.data.chosen?.id);
  }

  // As wide as there is room, but never higher than the window; zoomed, a pixel of the picture is
  // one of the screen, or the picture is twice as large.
  fit() {
    if (!this.data) return;
    const { width, height } = this.data;
    const scrolled = document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0;
    const top = this.stage.getBoundingClientRect().top + scrolled + this.bar.offsetHeight;
    const room = Math.max(window.innerHeight - top - 24, window.innerHeight * 0.5);
    const most = Math.min(this.stage.clientWidth, (room * width) / height);
    const full = Math.max(width / window.devicePixelRatio, 2 * most);
    this.frame.style.width = `${this.zoomed ? full : most}px`;
    this.frame.style.aspectRatio = `${width} / ${height}`;
    this.view.style.maxHeight = this.zoomed ? `${(most * height) / width}px` : "";
    this.stage.classList.toggle("zoomed", Boolean(this.zoomed));
    this.showPins();
    this.palette.place();
  }

  zoom(on, { x, y } = { x: this.split, y: 0.4 }) {
    this.zoomed = on;
    this.buttons.zoom.setAttribute("aria-pressed", on);
    this.fit();
    if (!on) return this.tell({ do: "fit" });
    this.view.scrollLeft = x * this.frame.offsetWidth - this.view.clientWidth / 2;
    this.view.scrollTop = y * this.frame.offsetHeight - this.view.clientHeight / 2;
    this.look();
  }

  // Asks for the part that is seen, once it rests.
  look() {
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      if (!this.zoomed || !this.view.isConnected) return;
      const { offsetWidth: wide, offsetHeight: high } = this.frame;
      const part = [this.view.scrollLeft / wide, this.view.scrollTop / high, this.view.clientWidth / wide, this.view.clientHeight / high];
      const [x, y, width, height] = part.map((value) => clamp(value));
      this.tell({ do: "look", x, y, width, height });
    }, 300);
  }

  showDetail() {
    const { detail } = this.data;
    for (const side of ["before", "after"]) {
      const image = this.details[side].firstElementChild;
      image.hidden = !detail || !this.zoomed;
      if (image.hidden) continue;
      image.src = detail[side];
      for (const [property, value] of [["left", detail.x], ["top", detail.y], ["width", detail.width], ["height", detail.height]])
        image.style[property] = `${value * 100}%`;
    }
  }

  divide(share) {
    this.split = clamp(share);
    const percent = this.split * 100;
    this.before.style.clipPath = this.details.before.style.clipPath = `inset(0 ${100 - percent}% 0 0)`;
    this.doubt.style.clipPath = `inset(0 0 0 ${percent}%)`;
    this.line.style.left = this.handle.style.left = `${percent}%`;
    this.handle.setAttribute("aria-valuenow", Math.round(percent));
    this.handle.setAttribute("aria-valuetext", `${Math.round(percent)} % of the original`);
  }

  place(event) {
    const box = this.frame.getBoundingClientRect();
    return {
      x: clamp((event.clientX - box.left) / box.width),
      y: clamp((event.clientY - box.top) / box.height),
    };
  }

  onDivider() {
    this.handle.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 10 : 2;
      const to = {
        ArrowLeft: this.split - step * STEP, ArrowDown: this.split - step * STEP,
        ArrowRight: this.split + step * STEP, ArrowUp: this.split + step * STEP,
        PageDown: this.split - 0.1, PageUp: this.split + 0.1, Home: 0, End: 1,
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.divide(to);
    });
    drag(this.handle, { move: (event) => this.divide(this.place(event).x) });
  }

  // On the picture a tap puts a pin, a pull sideways moves the divider.
  onFrame() {
    drag(this.frame, {
      skip: (event) => event.target.closest(".pin, .handle"),
      sideways: true,
      move: (event, last) => {
        if (!this.zoomed) this.divide(this.place(event).x);
        else if (event.pointerType === "mouse") this.view.scrollBy(last.clientX - event.clientX, last.clientY - event.clientY);
      },
      tap: (event) => this.put(this.place(event)),
    });
  }

  put(place) {
    if (this.data.pins.length >= this.data.most) return;
    const pin = { id: 0, ...place, color: null, label: "New hint" };
    this.data.pins = [...this.data.pins.filter((each) => each.color), pin];
    this.data.chosen = null;
    this.palette.show();
    this.showPins();
    this.said.textContent = "…";
    this.tell({ do: "put", ...place });
  }

  onButtons() {
    const { add, undo, redo, reset, zoom } = this.buttons;
    zoom.onclick = () => this.zoom(!this.zoomed);
    this.view.addEventListener("scroll", () => {
      this.look();
      this.palette.place();
    });
    add.onclick = () => {
      this.focusNew = true; // so that the arrow keys move it
      this.put({ x: 0.5, y: 0.5 });
    };
    undo.onclick = () => this.tell({ do: "undo" });
    redo.onclick = () => this.tell({ do: "redo" });
    reset.onclick = () => this.tell({ do: "reset" });
  }

  // Keys and warnings of the whole page, wherever the focus is, for as long as the picture is shown.
  onPage() {
    const stop = new AbortController();
    const on = (target, name, listener) =>
      target.addEventListener(
        name,
        (event) => (this.stage.isConnected ? listener(event) : stop.abort()),
        { signal: stop.signal },
      );
    on(document, "keydown", (event) => {
      const writing = event.composedPath()[0].closest?.("input:not([type=range]), textarea, [role=combobox]");
      if (event.key === "Escape" && this.data.chosen) {
        this.palette.close();
        this.handle.focus({ preventScroll: true });
      }
      if (writing || !(event.ctrlKey || event.metaKey)) return;
      const key = event.key.toLowerCase();
      const what = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : "";
      if (!what) return;
      event.preventDefault();
      this.tell({ do: what });
    });
    on(document, "click", (event) => {
      if (event.composedPath().some((each) => each.classList?.contains("st-key-downloads"))) this.unsaved = false;
    });
    on(window, "beforeunload", (event) => {
      if (this.unsaved && !window.photochromReloads) event.preventDefault();
    });
  }

  remove(id) {
    this.data.pins = this.data.pins.filter((pin) => pin.id !== id);
    this.showPins();
    this.palette.panel.hidden = true;
    this.handle.focus({ preventScroll: true });
    this.tell({ do: "delete", id });
  }

  // Buttons are kept as long as their pins are, so that the focus stays.
  showPins() {
    const have = new Map([...this.pins.children].map((button) => [button.dataset.id, button]));
    for (const pin of this.data.pins) {
      const id = String(pin.id);
      const button = have.get(id) ?? this.newPin(id);
      have.delete(id);
      button.pin = pin;
      button.style.left = `${pin.x * 100}%`;
      button.style.top = `${pin.y * 100}%`;
      const kept = pin.color === "keep";
      button.style.background = kept ? "" : (pin.color ?? "");
      const chosen = pin.id === (this.data.chosen?.id ?? 0);
      button.className = `pin${pin.color ? "" : " empty"}${kept ? " kept" : ""}${chosen ? " chosen" : ""}`;
      const [mark, reach] = button.children;
      mark.textContent = kept ? "✓" : "";
      reach.hidden = !pin.radius;
      const across = 2 * (pin.radius ?? 0) * Math.max(this.frame.offsetWidth, this.frame.offsetHeight);
      reach.style.width = reach.style.height = `${across}px`;
      button.setAttribute(
        "aria-label",
        `${pin.label}, ${Math.round(pin.x * 100)} % from the left, ` +
          `${Math.round(pin.y * 100)} % from the top. Arrow keys move it, Delete removes it.`,
      );
    }
    for (const button of have.values()) button.remove();
    if (this.focusNew && this.data.chosen) {
      this.focusNew = false;
      this.pins.querySelector(".chosen")?.focus();
    }
  }

  newPin(id) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.id = id;
    const reach = document.createElement("span");
    reach.className = "reach";
    button.append(document.createElement("span"), reach);
    this.pins.append(button);
    const moveTo = (x, y) => {
      Object.assign(button.pin, { x: clamp(x), y: clamp(y) });
      this.showPins();
      this.palette.place();
    };
    const told = () => this.tell({ do: "move", id: button.pin.id, x: button.pin.x, y: button.pin.y });
    drag(button, {
      move: (event) => { const { x, y } = this.place(event); moveTo(x, y); },
      end: told,
      tap: () => this.tell({ do: "choose", id: button.pin.id }),
    });
    let later;
    button.addEventListener("keydown", (event) => {
      const step = STEP * (event.shiftKey ? 5 : 1);
      const by = {
        ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step],
      }[event.key];
      if (by) {
        moveTo(button.pin.x + by[0], button.pin.y + by[1]);
        clearTimeout(later);
        later = setTimeout(told, 350);
      } else if (event.key === "Delete" || event.key === "Backspace") {
        clearTimeout(later);
        this.remove(button.pin.id);
      } else if (event.key === "Enter" || event.key === " ") {
        this.tell({ do: "choose", id: button.pin.id });
      } else return;
      event.preventDefault();
    });
    return button;
  }
}
