// Events for Python, numbered and sent until it confirms them, so that none is lost or done twice
// when they come fast or the server was away.

const AGAIN = 1500; // milliseconds after which events that were not confirmed are sent again

class Outbox {
  constructor(element) {
    this.element = element;
    this.client = crypto.getRandomValues(new Uint32Array(2)).join("-");
    this.last = 0; // number of the newest event
    this.waiting = []; // events that are not confirmed
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
