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
lobby.on('error', e => console.log(e.error.message));
lobby.subscribe();
const stage = client.newSubscription('rtc:stage', { token: '@CHANNEL_TOKEN@', data: { role: 1 } });
stage.on('subscribed', () => client.rpc('rtc.publish', { channel: 'rtc:stage', medias: ['audio'] })
  .then(p => console.log(`on the stage with ${p.data.medias}`), e => console.log(e.message)));
stage.on('error', e => console.log(e.error.message));
stage.subscribe();
client.connect();
