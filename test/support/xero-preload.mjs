/**
 * For `node --import`: lets xero-node, whose hosts are hard-coded, talk to the Xero simulator. Requests for Xero's
 * three hosts go to XERO_SIMULATOR (an origin on loopback) over plain HTTP; a connection to anything else that is not
 * loopback is refused, whatever opens it.
 */
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { urlToHttpOptions } from 'node:url';

const XERO_HOSTS = new Set(['login.xero.com', 'identity.xero.com', 'api.xero.com']);
const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);
const simulator = new URL(process.env.XERO_SIMULATOR ?? '');

/** The arguments of `https.request(url?, options?, callback?)` as one options object and the callback. */
function normalize([first, second, third]) {
  const isUrl = typeof first === 'string' || first instanceof URL;
  const fromUrl = isUrl ? urlToHttpOptions(new URL(first)) : {};
  const [options, callback] = isUrl ? [second, third] : [first, second];
  if (typeof options === 'function') return { options: fromUrl, callback: options };
  return { options: { ...fromUrl, ...options }, callback };
}

https.request = (...parameters) => {
  const { options, callback } = normalize(parameters);
  const host = options.hostname ?? options.host;
  if (!XERO_HOSTS.has(host)) throw new Error(`refused: https request to ${host}`);
  const redirected = {
    ...options,
    protocol: simulator.protocol,
    host: simulator.hostname,
    hostname: simulator.hostname,
    port: simulator.port,
    agent: undefined,
    headers: { ...options.headers, host },
  };
  return http.request(redirected, callback);
};
https.get = (...parameters) => {
  const request = https.request(...parameters);
  request.end();
  return request;
};

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function connectToLoopback(...parameters) {
  const options = Array.isArray(parameters[0]) ? parameters[0][0] : parameters[0];
  const host = options?.host ?? 'localhost';
  if (!LOOPBACK.has(host)) throw new Error(`refused: connection to ${host}`);
  return connect.apply(this, parameters);
};
syncBuiltinESMExports();
