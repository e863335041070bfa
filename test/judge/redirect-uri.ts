/** Registered with the judge; nobody is ever sent there. */
export const REDIRECT_URI = 'https://grantkeeper.example/callback';
