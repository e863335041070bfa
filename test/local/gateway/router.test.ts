import { describe, expect, test } from 'vitest';
import { findRoute } from '../../../local/gateway/router.ts';
import { method } from './support.ts';

const METHODS = [
  method('ANY', '/items/{id}'),
  method('GET', '/items/{id}'),
  method('GET', '/items/new'),
  method('GET', '/items/{id}/parts/{part}'),
  method('GET', '/files/{path+}'),
  method('GET', '/{any}/new'),
  method('GET', '/'),
];

describe('finding the method for a path', () => {
  test.for<[string, string, string | undefined, Record<string, string>]>([
    ['GET', '/items/7', 'GET /items/{id}', { id: '7' }],
    ['POST', '/items/7', 'ANY /items/{id}', { id: '7' }],
    ['GET', '/items/new', 'GET /items/new', {}],
    ['POST', '/items/new', 'ANY /items/{id}', { id: 'new' }],
    ['GET', '/items/7/', 'GET /items/{id}', { id: '7' }],
    ['GET', '/items/a%2Fb%20c', 'GET /items/{id}', { id: 'a/b c' }],
    ['GET', '/items/%zz', 'GET /items/{id}', { id: '%zz' }],
    ['GET', '/items/7/parts/8', 'GET /items/{id}/parts/{part}', { id: '7', part: '8' }],
    ['GET', '/files/a/b/c', 'GET /files/{path+}', { path: 'a/b/c' }],
    ['GET', '/other/new', 'GET /{any}/new', { any: 'other' }],
    ['GET', '/', 'GET /', {}],
    ['GET', '/items', undefined, {}],
    ['GET', '/files/', undefined, {}],
    ['GET', '/items//parts/8', undefined, {}],
    ['POST', '/files/a', undefined, {}],
  ])('%s %s is %s', ([httpMethod, path, resourceId, pathParameters]) => {
    const route = findRoute(METHODS, httpMethod, path);
    expect(route?.method.resourceId).toBe(resourceId);
    expect(route?.pathParameters ?? {}).toEqual(pathParameters);
  });
});
