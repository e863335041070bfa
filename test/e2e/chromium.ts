/** Debian's package; nothing is downloaded. */
export const CHROMIUM = '/usr/bin/chromium';
