/** What the store asks of a browser, where there is none. Imported before the store. */

Object.assign(globalThis, {
  document: { baseURI: "http://simulated/", hidden: false, querySelector: () => null, getElementById: () => null },
  addEventListener: () => {},
  removeEventListener: () => {},
});
