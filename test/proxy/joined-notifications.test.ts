import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JoinedNotifications, type Notification } from '../../src/proxy/joined-notifications.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function joined() {
  const told: Notification[] = [];
  const notifications = new JoinedNotifications(notification => told.push(notification));
  return { told, notifications };
}

const changed = { method: 'notifications/tools/list_changed' };
const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });
const message = (data: number) => ({ method: 'notifications/message', params: { level: 'info', data } });

describe('what a server says again and again', () => {
  it('is told at once, and once more at the end', async () => {
    const { told, notifications } = joined();
    for (let count = 0; count < 20_000; count++) notifications.add(changed);
    expect(told).toEqual([changed]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told).toEqual([changed, changed]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is told at most twice a second while it goes on', async () => {
    const { told, notifications } = joined();
    for (let tick = 0; tick < 1000; tick++) {
      notifications.add(changed);
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(told.length).toBeLessThanOrEqual(22);
  });

  it('is told of each resource', async () => {
    const { told, notifications } = joined();
    notifications.add(updated('a:1'));
    notifications.add(updated('a:2'));
    notifications.add(updated('a:1'));
    expect(told).toEqual([updated('a:1'), updated('a:2')]);
    await vi.advanceTimersByTimeAsync(500);
    expect(told.slice(2)).toEqual([updated('a:1')]);
  });

  it('is bounded, whatever it names', async () => {
    const { told, notifications } = joined();
    for (let count = 0; count < 20_000; count++) notifications.add(updated(`a:${count}`));
    for (let count = 0; count < 20_000; count++) notifications.add(message(count));
    await vi.advanceTimersByTimeAsync(1000);
    expect(told.length).toBeLessThanOrEqual(1200);
  });
});

it('messages are told one by one', () => {
  const { told, notifications } = joined();
  for (const data of [1, 1, 2]) notifications.add(message(data));
  expect(told).toEqual([message(1), message(1), message(2)]);
});

it('nothing is told to a host that has gone', async () => {
  const { told, notifications } = joined();
  notifications.add(changed);
  notifications.add(changed);
  notifications.close();
  await vi.advanceTimersByTimeAsync(1000);
  expect(told).toEqual([changed]);
});
