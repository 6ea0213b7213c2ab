/** Which addresses a text from elsewhere may lead to. */

/** The address, where a click may follow it; null: it may not (`javascript:`, a file, a mistake). */
export function safeAddress(address: string): string | null {
  if (address.startsWith("#")) return address;
  try {
    const { protocol, href } = new URL(address);
    return ["http:", "https:", "mailto:"].includes(protocol) ? href : null;
  } catch {
    return null;
  }
}
