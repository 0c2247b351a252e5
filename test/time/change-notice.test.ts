import { expect, test, vi } from 'vitest';
import { ChangeNotice } from '../../src/time/change-notice.js';

const settle = () => new Promise(resolve => setImmediate(resolve));

test('an announcement reaches everybody who waits', async () => {
  const notice = new ChangeNotice();
  const heard = vi.fn();
  notice.next.then(heard);
  notice.next.then(heard);
  await settle();
  expect(heard).not.toHaveBeenCalled();
  notice.announce();
  await settle();
  expect(heard).toHaveBeenCalledTimes(2);
});

test('a change between taking `next` and waiting for it is not missed', async () => {
  const notice = new ChangeNotice();
  const { next } = notice;
  notice.announce();
  await expect(next).resolves.toBeUndefined();
});

test('an announcement that is over does not wake those who come later', async () => {
  const notice = new ChangeNotice();
  notice.announce();
  const heard = vi.fn();
  notice.next.then(heard);
  await settle();
  expect(heard).not.toHaveBeenCalled();
});
