// A client on npm `centrifuge`, driven over stdin and stdout by harness/clients.py.
// First line in: {"url","token","fresh_tokens":[…],"data":{…},"ping_grace_ms":N}.
// Then commands {"id","do",…}, answered by {"id","ok":{…}} or {"id","error":{"code","message"}};
// whatever the SDK tells comes as {"event":…}, and every object on the wire as {"event":"wire"}.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(`${process.env.ROOMD_INTEROP_ENV}/`);
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const tell = (event, fields = {}) => say({ event, ...fields });

// The SDK hides a publication's time from its users, so the frames are shown as well.
class TappedWebSocket extends WebSocket {
  constructor(url) {
    super(url);
    this.on('message', (frame) => {
      for (const line of frame.toString().split('\n')) if (line.trim()) tell('wire', { reply: JSON.parse(line) });
    });
    this.on('close', (code, reason) => tell('closed', { code, reason: reason.toString() }));
  }
}

// A person in the words of the wire.
const person = (info) =>
  info && { client: info.client, user: info.user, conn_info: info.connInfo, chan_info: info.chanInfo };

function open({ url, token, fresh_tokens, data, ping_grace_ms }) {
  const client = new Centrifuge(url, {
    token,
    data,
    websocket: TappedWebSocket,
    maxServerPingDelay: ping_grace_ms,
    getToken: async () => {
      tell('get_token');
      return fresh_tokens.shift() ?? '';
    },
  });
  client.on('connecting', ({ code, reason }) => tell('connecting', { code, reason }));
  client.on('connected', ({ client, data }) => tell('connected', { client, data }));
  client.on('disconnected', ({ code, reason }) => tell('disconnected', { code, reason }));
  client.on('error', ({ error }) => tell('error', { code: error.code, message: error.message }));
  client.on('message', ({ data }) => tell('message', { data }));
  return client;
}

// With a token it is a new subscription each time, so that another token can be tried.
function subscribe(client, { channel, join_leave, token, fresh_tokens, data }) {
  const again = client.getSubscription(channel);
  if (again && !token) return again.subscribe();
  client.removeSubscription(again);
  const getToken = fresh_tokens && (async () => {
    tell('get_channel_token', { channel });
    return fresh_tokens.shift() ?? '';
  });
  const sub = client.newSubscription(channel, { joinLeave: join_leave, token, getToken, data });
  sub.on('subscribed', ({ recoverable, positioned, streamPosition, wasRecovering, recovered, data }) =>
    tell('subscribed', {
      channel, recoverable, positioned, offset: streamPosition?.offset, epoch: streamPosition?.epoch,
      was_recovering: wasRecovering, recovered, data,
    }));
  sub.on('unsubscribed', ({ code, reason }) => tell('unsubscribed', { channel, code, reason }));
  sub.on('error', ({ error }) => tell('subscription_error', { channel, code: error.code, message: error.message }));
  sub.on('publication', ({ data, offset, info, tags }) => 
    tell('publication', { channel, data, offset, info: person(info), tags }));
  sub.on('join', ({ info }) => tell('join', { channel, info: person(info) }));
  sub.on('leave', ({ info }) => tell('leave', { channel, info: person(info) }));
  sub.subscribe();
}

const commands = {
  connect: (client) => client.connect(),
  disconnect: (client) => client.disconnect(),
  subscribe,
  unsubscribe: (client, { channel }) => client.getSubscription(channel).unsubscribe(),
  publish: (client, { channel, data }) => client.publish(channel, data),
  send: (client, { data }) => client.send(data),
  rpc: (client, { method, data }) => client.rpc(method, data),
  presence: async (client, { channel }) => {
    const { clients } = await client.presence(channel);
    return Object.fromEntries(Object.entries(clients).map(([key, info]) => [key, person(info)]));
  },
  presence_stats: async (client, { channel }) => {
    const { numClients, numUsers } = await client.presenceStats(channel);
    return { num_clients: numClients, num_users: numUsers };
  },
  history: async (client, { channel, limit, since, reverse }) => {
    const { publications, offset, epoch } = await client.history(channel, { limit, since, reverse });
    return { publications: publications.map(({ data, offset }) => ({ data, offset })), offset, epoch };
  },
};

let client;
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (!client) {
    client = open(message);
    continue;
  }
  const { id, do: name, ...args } = message;
  Promise.resolve()
    .then(() => commands[name](client, args))
    .then((ok) => say({ id, ok: ok ?? {} }), ({ code, message }) => say({ id, error: { code, message } }));
}
process.exit(0);
