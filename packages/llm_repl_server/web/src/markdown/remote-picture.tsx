/** A picture that a text names. The page lets in none from elsewhere: to see it, one goes there. */
/** @jsxImportSource ../ui/dom */

import type { Child } from "../ui/dom/jsx-runtime.ts";

export function remotePicture(address: string, name: string): Child {
  if (/^data:image\/(png|jpeg|gif|webp);/i.test(address)) return <img src={address} alt={name} />;
  if (!/^https?:/i.test(address)) return name;
  return (
    <a href={address} target="_blank" rel="noopener noreferrer" title={address}>
      picture: {name || address}
    </a>
  );
}
