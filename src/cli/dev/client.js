const { Centrifuge } = require('centrifuge');
const token = '@TOKEN@';
const client = new Centrifuge('@SESSIONS@', {
  token, getToken: async () => token, // yours fetches a fresh login from your own server
  data: { device: 'laptop' },
  websocket: globalThis.WebSocket ?? require('ws'), // node below 22 has no WebSocket of its own
});
client.on('connected', c => console.log(`${c.data.user_id} is logged on`));
client.on('disconnected', c => console.log(`closed: ${c.code} ${c.reason}`));
const lobby = client.newSubscription('group:lobby');
lobby.on('subscribed', () => lobby.publish({ body: 'hello from @USER@' }));
lobby.on('publication', p => console.log(`#${p.offset} ${p.data.sender.user}: ${p.data.body}`));
lobby.on('unsubscribed', u => console.log(`not in the lobby: ${u.code} ${u.reason}`));
lobby.subscribe();
const stage = client.newSubscription('rtc:stage', {
  token: '@CHANNEL_TOKEN@', getToken: async () => '@CHANNEL_TOKEN@', data: { role: 1 },
});
stage.on('subscribed', () => client.rpc('rtc.publish', { channel: 'rtc:stage', medias: ['audio'] })
  .then(p => console.log(`on the stage with ${p.data.medias}`), e => console.log(e.message)));
stage.on('unsubscribed', u => console.log(`not on the stage: ${u.code} ${u.reason}`)); // also when the join was refused
stage.subscribe();
client.connect();
