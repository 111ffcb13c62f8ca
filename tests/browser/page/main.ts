import { connect, type Way } from "./api";
import { checks } from "./checks";
import { estranged, untouched } from "./stranger";

/** What the driver calls. */
const page = {
  names: () => [...checks.keys()],
  check: async (name: string, way: Way) => {
    const check = checks.get(name);
    if (!check) throw new Error(`no check is named ${name}`);
    await check(connect(way), way);
  },
  estranged,
  untouched,
};

export type Page = typeof page;

declare global {
  interface Window {
    tertulia: Page;
  }
}

window.tertulia = page;
