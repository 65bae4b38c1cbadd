// Events for Python, numbered and sent until it confirms them, so that none is lost or done twice
// when they come fast, the server was away, or the page is reloaded because of that.

const AGAIN = 1500; // milliseconds after which events that were not confirmed are sent again

class Outbox {
  constructor(element, name) {
    this.element = element;
    this.client = crypto.getRandomValues(new Uint32Array(2)).join("-");
    this.last = 0; // number of the newest event
    this.waiting = []; // events that are not confirmed
    const key = `photochrom-${name}`;
    Object.assign(this, JSON.parse(sessionStorage.getItem(key) ?? "{}"));
    sessionStorage.removeItem(key);
    if (this.waiting.length) this.again = setTimeout(() => this.flush(), AGAIN);
    window.addEventListener("pagehide", () => {
      const { client, last, waiting } = this;
      if (waiting.length && element.isConnected) sessionStorage.setItem(key, JSON.stringify({ client, last, waiting }));
    });
  }

  put(event) {
    this.waiting.push({ ...event, n: ++this.last });
    this.flush();
  }

  flush() {
    clearTimeout(this.again);
    if (!this.waiting.length || !this.element.isConnected) return;
    if (connected()) this.send({ client: this.client, events: this.waiting });
    this.again = setTimeout(() => this.flush(), AGAIN);
  }

  confirm([client, number]) {
    if (client === this.client) this.waiting = this.waiting.filter(({ n }) => n > number);
  }
}

// Whether Streamlit is connected: what it is told otherwise is lost.
function connected() {
  const app = document.querySelector("[data-testid=stApp]")?.dataset;
  return (app?.testConnectionState ?? "CONNECTED") === "CONNECTED";
}
