// What this browser keeps for the app, shared by its tabs: models one by one, pictures, and for each tab what is on its
// table. The server says what to write only after it has heard what is there (`hello`), so nothing is overwritten unseen.
const NAME = "vislrp";
const KINDS = { models: "id", pictures: "id", desks: "tab" };
const MOST = { pictures: 12, desks: 8 };
const REPEAT_MS = 1500;
const NEWS_MS = 300;

// One for all instances of the component: a page change draws another one.
/** @type {any} */
const shared = window;
const S = (shared.vislrpStore ??= {
  db: null, tab: null, chain: Promise.resolve(), known: new Map(), before: new Map(), desk: "", unheard: [], n: 0, sid: null, orders: 0, cleared: 0,
  alive: new Set(), say: null, channel: null, stale: false, timer: null, troubled: "", watching: false, again: false,
});

function random() {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// --- the address ------------------------------------------------------------------------------------------------------

// A change of the view replaces the address of its page: Back goes to the page before, not through every slider step.
function oneEntryPerPage() {
  if (shared.vislrpHistory) return;
  const push = window.history.pushState.bind(window.history);
  shared.vislrpHistory = true;
  window.history.pushState = (state, title, url) => {
    const to = url === undefined || url === null ? null : new URL(url, window.location.href);
    if (to && to.pathname === window.location.pathname && to.origin === window.location.origin && !to.hash) {
      window.history.replaceState(state, title, url);
    } else {
      push(state, title, url);
    }
  };
}

// --- storage ----------------------------------------------------------------------------------------------------------

function settled(request) {
  return new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
}

function open() {
  return new Promise((done, failed) => {
    const request = window.indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      for (const [kind, key] of Object.entries(KINDS)) request.result.createObjectStore(kind, { keyPath: key });
    };
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
    request.onblocked = () => failed(new Error("blocked"));
  });
}

// Work on some stores in one transaction; resolves to what `work` returns once all is written.
function within(kinds, mode, work) {
  return new Promise((done, failed) => {
    const transaction = S.db.transaction(kinds, mode);
    let answer;
    transaction.oncomplete = () => done(answer);
    transaction.onabort = () => failed(transaction.error ?? new Error("aborted"));
    Promise.resolve(work(...kinds.map((kind) => transaction.objectStore(kind)))).then(
      (value) => { answer = value; },
      (error) => { failed(error); try { transaction.abort(); } catch { /* it has ended already */ } },
    );
  });
}

const all = (kind) => within([kind], "readonly", (store) => settled(store.getAll()));

function tabName() {
  try {
    return window.sessionStorage.getItem("vislrp-tab");
  } catch {
    return null;
  }
}

function setTab(name) {
  S.tab = name;
  try {
    window.sessionStorage.setItem("vislrp-tab", name);
  } catch {
    // Without it a reload is a new tab.
  }
}

// --- other tabs -------------------------------------------------------------------------------------------------------

function listen() {
  if (S.channel || !window.BroadcastChannel) return;
  S.channel = new BroadcastChannel(NAME);
  S.channel.onmessage = ({ data }) => {
    if (data.kind === "who" && S.tab) S.channel.postMessage({ kind: "here", tab: S.tab });
    if (data.kind === "here") S.alive.add(data.tab);
    if (data.kind === "changed") soon();
    if (data.kind === "cleared") {
      S.known.clear();
      S.desk = "";
      tell("cleared", {});
      S.cleared = S.n;
    }
  };
  document.addEventListener("visibilitychange", () => S.stale && soon());
}

function soon() {
  S.stale = true;
  if (document.visibilityState !== "visible") return;
  clearTimeout(S.timer);
  S.timer = setTimeout(() => queue(news), NEWS_MS);
}

// What another tab has changed since.
async function news() {
  S.stale = false;
  const models = (await all("models")).filter((record) => S.known.get(record.id) !== record.text);
  const there = new Set((await all("models")).map((record) => record.id));
  const gone = [...S.known.keys()].filter((id) => !there.has(id));
  // What a run says that has not heard this yet is older, not an edit.
  for (const id of [...models.map((record) => record.id), ...gone]) {
    S.before.set(id, { texts: [...(S.before.get(id)?.texts ?? []), S.known.get(id)], n: S.n + 1 });
  }
  for (const { id, text } of models) S.known.set(id, text);
  for (const id of gone) S.known.delete(id);
  tell("news", { models: models.map((record) => JSON.parse(record.text)), gone, pictures: await index() });
}

// --- to the server ----------------------------------------------------------------------------------------------------

function tell(kind, content) {
  S.unheard.push({ n: ++S.n, kind, ...content });
  send();
}

function send() {
  if (!S.say || !S.unheard.length) return;
  S.say("say", { sid: S.sid, messages: S.unheard });
  clearTimeout(S.repeat);
  S.repeat = setTimeout(send, REPEAT_MS);
}

function trouble(error) {
  const what = error && error.name === "QuotaExceededError" ? "full" : "off";
  if (S.troubled !== what) tell("trouble", { what });
  S.troubled = what;
}

async function index() {
  return (await all("pictures")).map(({ id, title, thumb, time }) => ({ id, title, thumb, time }));
}

async function hello() {
  let name = tabName();
  listen();
  S.tab = null;
  S.alive.clear();
  if (S.channel) {
    S.channel.postMessage({ kind: "who" });
    await new Promise((done) => setTimeout(done, 60));
  }
  /** @type {any} */
  const entry = performance.getEntriesByType("navigation")[0];
  const from = name;
  if (!name || S.alive.has(name)) name = random();
  setTab(name);
  try {
    S.db ??= await open();
    const desks = await all("desks");
    const mine = desks.find((record) => record.tab === from) ?? null;
    const models = await all("models");
    const mentioned = new Set((window.location.search + JSON.stringify(mine)).match(/upload-[0-9a-f]{64}/g) ?? []);
    const pictures = (await all("pictures")).filter(({ id }) => mentioned.has(`upload-${id}`));
    S.known = new Map(models.map((record) => [record.id, record.text]));
    tell("hello", {
      nav: entry ? entry.type : "navigate",
      models: models.map((record) => JSON.parse(record.text)),
      desk: mine && mine.desk,
      others: desks.filter((record) => record.tab !== S.tab && record.tab !== from).sort((a, b) => b.time - a.time)
        .map(({ tab, time, desk }) => ({ tab, time, desk, open: S.alive.has(tab) })),
      pictures: await index(),
      files: pictures.map(({ id, crop, squash }) => ({ id, crop, squash })),
    });
  } catch (error) {
    S.db = null;
    tell("hello", { nav: entry ? entry.type : "navigate" });
    trouble(error);
  }
}

// --- from the server --------------------------------------------------------------------------------------------------

// A model that another tab has changed unseen is not overwritten: it stays as one of its own.
async function putModel(store, model) {
  const text = JSON.stringify(model);
  const seen = S.known.get(model.id);
  if (seen === text) return false;
  const there = await settled(store.get(model.id));
  if (there && there.text !== text && there.text !== seen) {
    const id = `own-${random()}`;
    store.put({ id, text: JSON.stringify({ ...JSON.parse(there.text), id }) });
    S.stale = true;
  }
  store.put({ id: model.id, text });
  S.known.set(model.id, text);
  return true;
}

async function write(data) {
  if (data.heard < S.cleared) return; // of before everything was deleted
  let changed = false;
  const orders = (data.orders ?? []).filter((order) => order.n > S.orders);
  for (const order of orders) {
    S.orders = order.n;
    if (order.all) {
      await within(Object.keys(KINDS), "readwrite", (...stores) => stores.forEach((store) => store.clear()));
      S.known.clear();
      S.desk = "";
      S.channel?.postMessage({ kind: "cleared" });
    }
    await within(["pictures", "desks"], "readwrite", (pictures, desks) => {
      for (const id of order.pictures ?? []) pictures.delete(id);
      for (const tab of order.desks ?? []) desks.delete(tab);
    });
    changed = true;
  }
  for (const [id, { n }] of S.before) if (n <= data.heard) S.before.delete(id);
  const fresh = (data.models ?? []).filter((model) => {
    const text = JSON.stringify(model);
    return S.known.get(model.id) !== text && !S.before.get(model.id)?.texts.includes(text);
  });
  const gone = (data.gone ?? []).filter((id) => S.known.has(id));
  if (fresh.length || gone.length) {
    changed = await within(["models"], "readwrite", async (store) => {
      for (const model of fresh) await putModel(store, model);
      for (const id of gone) {
        store.delete(id);
        S.known.delete(id);
      }
      return true;
    });
  }
  if (data.files?.length) {
    await within(["pictures"], "readwrite", (store) => {
      for (const file of data.files) store.put({ ...file, time: Date.now() });
    });
    await prune("pictures");
    changed = true;
  }
  const text = JSON.stringify(data.desk ?? null);
  if (data.desk !== undefined && text !== S.desk) {
    await within(["desks"], "readwrite", (store) => {
      if (data.desk) store.put({ tab: S.tab, time: Date.now(), desk: data.desk });
      else store.delete(S.tab);
    });
    if (!S.desk) await prune("desks");
    S.desk = text;
  }
  if (changed) S.channel?.postMessage({ kind: "changed" });
  if (S.stale) soon();
  if (data.want?.length) {
    const files = (await all("pictures")).filter(({ id }) => data.want.includes(id));
    const held = files.map(({ id, crop, squash }) => ({ id, crop, squash }));
    tell("files", { files: held, missing: data.want.filter((id) => files.every((file) => file.id !== id)) });
  }
  S.troubled = "";
}

// The oldest go; a working copy that a table held stays as a model.
async function prune(kind) {
  const old = (await all(kind)).sort((a, b) => b.time - a.time).slice(MOST[kind]);
  if (!old.length) return;
  await within([kind, "models"], "readwrite", (store, models) => {
    for (const record of old) {
      store.delete(record[KINDS[kind]]);
      if (record.desk?.worth) {
        const id = `own-${random()}`;
        models.put({ id, text: JSON.stringify({ ...record.desk.working, id, origin: "own" }) });
      }
    }
  });
}

function queue(work) {
  S.chain = S.chain.then(work).catch(trouble);
}

// A message of this page's own brings what all its widgets hold; files follow once the server has answered it.
function watch() {
  if (S.watching) return;
  S.watching = true;
  watchFiles();
  watchConnection(() => {
    S.again = true;
    tell("back", {});
  });
}

export default function ({ data, setTriggerValue }) {
  oneEntryPerPage();
  watch();
  if (data.role === "main" || !S.say) S.say = setTriggerValue;
  if (S.again) {
    S.again = false;
    chooseAgain();
  }
  if (data.sid !== S.sid) {
    S.sid = data.sid;
    S.unheard = [];
    S.before.clear();
    S.cleared = 0;
    S.n = 0;
    S.orders = 0;
    S.desk = "";
    queue(() => hello());
    return;
  }
  S.unheard = S.unheard.filter((message) => message.n > data.heard);
  if (!S.unheard.length) clearTimeout(S.repeat);
  if (data.restored && S.db) queue(() => write(data));
}
