// Says so when the server does not answer, and reloads the page if it does not go on by itself.

const EVERY = 3000; // milliseconds between two looks
const PATIENCE = 8000; // milliseconds from the server's first answer to a reload

// Streamlit's own connection, which it renews by itself.
const connected = () => document.querySelector('[data-test-connection-state="CONNECTED"]');

function reload() {
  window.photochromReloads = true; // nothing is lost: the visit is kept on the server's disk
  location.reload();
}

export default function ({ parentElement }) {
  const banner = parentElement.querySelector(".lost");
  if (banner.watching) return;
  let lost = false;
  let back = 0;
  const look = async () => {
    if (!banner.isConnected) return clearInterval(banner.watching);
    const answers = await fetch("_stcore/health", { cache: "no-store" }).then((r) => r.ok, () => false);
    if (!answers) [lost, back] = [true, 0];
    else if (lost && connected()) lost = false;
    else if (lost) {
      back ||= Date.now();
      if (Date.now() - back > PATIENCE) reload();
    }
    banner.hidden = !lost;
  };
  banner.watching = setInterval(look, EVERY);
}
