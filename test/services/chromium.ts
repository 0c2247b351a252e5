import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** As they are called on Debian, on Ubuntu and where Google's own is installed. */
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];

/** The file of a browser; undefined where none is installed. */
export const chromiumFile = PROGRAMS.flatMap(program =>
  (process.env.PATH ?? '').split(delimiter).map(folder => join(folder, program)),
).find(isExecutable);

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Nothing but this machine can be reached.
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost',
];

export async function startChromium() {
  if (chromiumFile === undefined) throw new Error(`None of ${PROGRAMS.join(', ')} is installed.`);
  const browser: Browser = await chromium.launch({ executablePath: chromiumFile, args: FLAGS });
  return { browser, remove: () => browser.close() };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
