//! `roomd dev`: the whole picture on one machine for one who is new: a server, a demo application
//! with its keys and logins, a receiver that prints each callback of either cloud, and scripts to paste.
//! Everything it makes goes through the same requests that a business's server would use.

use super::{Failure, clock, listen::report, print};
use crate::{
    alibaba::token,
    clock::Clock,
    control::operator::{AppDraft, new_app, new_key},
    domain::{
        AppId, GroupId, UserId,
        address::AllowList,
        app::{ADMINISTRATOR, AccessKey, App, AppChange, Directory, Webhook, WebhookToken},
        quota::Quotas,
        request::{Actor, Answer, GroupRequest, NewGroup, Request},
        state::Rules,
        subscription::Wants,
    },
    door::WEBSOCKET_PATH,
    engine::Handle,
    form,
    ids::{self, Ids},
    receiver::{Callback, Keys, Receiver},
    server::{self, OPERATOR_TOKEN, Running},
    settings::{Limits, Settings},
    tencent::{
        usersig,
        words::{CHAT_WORDS, LIVE_WORDS},
    },
};
use argh::FromArgs;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

const CLIENT: &str = include_str!("dev/client.js");
const SERVER: &str = include_str!("dev/server.py");
const CREATE_ROOM: &str = include_str!("dev/room.sh");

const APP: &str = "demo";
const GROUP: &str = "lobby";
const CHANNEL: &str = "stage";
/// The users with a ready login, and their roles; an admin may create groups.
const USERS: [(&str, &str); 2] = [("alice", "admin"), ("bob", "")];
/// As long as tokens that a person chooses are, in characters.
const TOKEN_LENGTH: usize = 32;
/// Logins and channel tokens are good for a day, as the cloud recommends.
const LOGIN_S: i64 = 86_400;

/// Try roomd: a server, a demo application, ready logins and a receiver that prints each callback.
#[derive(FromArgs)]
#[argh(subcommand, name = "dev")]
pub struct Dev {
    /// first of three ports: control API, sessions, callbacks (8780)
    #[argh(option, default = "8780")]
    port_base: u16,

    /// virtual: time stands still until POST /operator/v1/clock moves it (default: real)
    #[argh(option, default = "\"real\".into()")]
    clock: String,

    /// keep the data here (default: a temporary folder, removed at exit)
    #[argh(option)]
    data: Option<PathBuf>,
}

impl Dev {
    pub fn run(self) -> Result<(), Failure> {
        let clock = match self.clock.as_str() {
            "real" => clock()?,
            "virtual" => Clock::standing(),
            other => return Err(Failure::Use(format!("--clock {other} is not known; give real or virtual"))),
        };
        if self.port_base == 0 || self.port_base > u16::MAX - 2 {
            let most = u16::MAX - 2;
            return Err(Failure::Use(format!("--port-base {} leaves no room for three ports; give one from 1 to {most}", self.port_base)));
        }
        self.serve(clock).map_err(Failure::Run)
    }

    fn serve(&self, clock: Clock) -> Result<(), String> {
        let ids = Ids::random();
        let folder = Folder::new(self.data.as_deref(), &ids)?;
        let port = |n: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, self.port_base + n));

        let keys = Keys::default();
        let on = |callback: &Callback| {
            print(&report(callback, 200, false));
            200
        };
        let receiver =
            Receiver::start(port(2), clock.clone(), keys.clone(), Box::new(on)).map_err(|e| format!("cannot listen on {}: {e}; {OTHER_PORTS}", port(2)))?;

        let settings = settings(folder.path.clone(), port(0), port(1))?;
        let allow = settings.allow_callback.clone();
        let signal = server::StopSignal::register()?;
        let running = server::start(settings, clock.clone(), ids.clone()).map_err(in_flags)?;
        let made = Demo::make(&running.handle, &receiver, &keys, &allow, &clock, &ids);
        match made {
            Ok(demo) => {
                print(&demo.welcome(&running, &receiver, &folder, &clock, &ids));
                signal.wait();
                running.stop();
                Ok(())
            }
            Err(e) => {
                running.stop();
                Err(e)
            }
        }
    }
}

const OTHER_PORTS: &str = "choose other ports with --port-base";

/// The server names its own flags for what it cannot listen on; here all ports hang on one.
fn in_flags(why: String) -> String {
    match why.split_once("; choose another address with") {
        Some((what, _)) => format!("{what}; {OTHER_PORTS}"),
        None => why,
    }
}

/// Where the data is; a temporary folder goes when this does.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn new(asked: Option<&Path>, ids: &Ids) -> Result<Folder, String> {
        if let Some(path) = asked {
            return Ok(Folder { path: path.into(), temporary: false });
        }
        let path = std::env::temp_dir().join(format!("roomd-dev-{}", ids.text(8, ids::LOWER)));
        // Keys are in it, so nobody else may look; and it must not have been there before us.
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(|e| format!("cannot make {}: {e}; give --data DIR", path.display()))?;
        Ok(Folder { path, temporary: true })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Everything allowed, nothing throttled; the contracts' quotas stay, because they are part of the picture.
fn settings(data: PathBuf, control: SocketAddr, sessions: SocketAddr) -> Result<Settings, String> {
    Ok(Settings {
        data,
        control,
        sessions,
        allow_callback: AllowList::parse(&["any".into()])?,
        limits: Limits { connections_per_address: 0, session_commands_per_second: 0, session_messages_per_second: 0, control_qps: false, ..Limits::default() },
        rules: Rules { quotas: Quotas { group_messages_per_second: 0, ..Quotas::default() }, ..Rules::default() },
        ..Settings::default()
    })
}

/// What is to be asked for that the events of all channels come to `url`; `None`: they do. With kept data there is
/// a subscription already, perhaps to another port.
fn subscribing(directory: &Directory, app: &AppId, url: String) -> Option<Request> {
    let all = directory.subscriptions.get(app).into_iter().flatten().find(|subscription| subscription.wants.channel.is_none());
    let app = app.clone();
    match all {
        Some(subscription) if subscription.url == url => None,
        Some(old) => Some(Request::UpdateSubscription { app, id: old.id.clone(), url, wants: old.wants.clone() }),
        None => Some(Request::CreateSubscription { app, url, wants: Wants { channel_events: true, user_events: true, ..Wants::default() } }),
    }
}

/// What is to be changed that all webhooks of live rooms and of the chat come to `url`, signed. With kept data some of it may
/// be so already.
fn telling(app: &App, url: String, token: String) -> Vec<AppChange> {
    let webhook = |words: Vec<String>| Webhook { url: url.clone(), words };
    let all = |words: &[&str]| words.iter().map(|word| word.to_string()).collect();
    let to = match &app.live_webhook {
        None => Some(AppChange::CreateLiveWebhook(webhook(all(LIVE_WORDS)))),
        Some(old) if old.url == url => None,
        Some(old) => Some(AppChange::UpdateLiveWebhook(webhook(old.words.clone()))),
    };
    let signed = app.live_token.is_none().then(|| AppChange::LiveToken { token: Some(token.clone()), enabled: Some(true) });
    let chat = match (&app.chat_webhook, &app.chat_token) {
        (Some(old), Some(_)) if old.url == url => None,
        (old, kept) => Some(AppChange::ChatWebhook {
            webhook: Some(webhook(old.as_ref().map_or_else(|| all(CHAT_WORDS), |old| old.words.clone()))),
            token: Some(kept.clone().unwrap_or(WebhookToken { token, enabled: true })),
        }),
    };
    // The token first: nothing is told unsigned.
    signed.into_iter().chain(to).chain(chat).collect()
}

/// The application as it is now.
fn changed(answer: Answer) -> Result<Arc<App>, String> {
    match answer {
        Answer::App(app) => Ok(app),
        other => Err(format!("an application was changed and the answer was {other:?}")),
    }
}

/// What a newcomer needs: the application and a key to sign calls with.
struct Demo {
    app: Arc<App>,
    key: AccessKey,
}

impl Demo {
    /// Makes what is not there yet; with kept data, keys and AppKey stay the same.
    fn make(handle: &Handle, receiver: &Receiver, keys: &Keys, allow: &AllowList, clock: &Clock, ids: &Ids) -> Result<Demo, String> {
        let call = |request| handle.call(request).map_err(|refusal| format!("cannot make the demo application: {refusal}"));
        let directory = handle.directory();
        let id = AppId::trusted(APP);
        let mut app = match directory.apps.get(&id) {
            Some(app) if app.event_callback_url == receiver.url() => app.clone(),
            Some(_) => changed(call(Request::ChangeApp { app: id.clone(), change: AppChange::EventCallbackUrl(receiver.url()) })?)?,
            None => {
                let draft = AppDraft { id: Some(APP.into()), name: Some(APP.into()), event_callback_url: Some(receiver.url()), ..AppDraft::default() };
                let new = new_app(ids, allow, draft).map_err(|e| e.to_string())?;
                changed(call(Request::CreateApp(Box::new(new)))?)?
            }
        };
        // Before anything can happen, so that the first callback can be checked.
        keys.add(app.key.clone());
        let token = app.live_token.as_ref().map_or_else(|| ids.text(TOKEN_LENGTH, ids::ALNUM), |live| live.token.clone());
        keys.add_token(token.clone());
        if let Some(chat) = &app.chat_token {
            keys.add_token(chat.token.clone());
        }
        for change in telling(&app, receiver.url(), token) {
            app = changed(call(Request::ChangeApp { app: id.clone(), change })?)?;
        }
        let creator = USERS[0].0;
        let lobby =
            NewGroup { name: "Lobby".into(), info: String::new(), owner: creator.into(), admins: vec![UserId::trusted(creator)], ..NewGroup::default() };
        call(Request::Group { app: id.clone(), group: GroupId::trusted(GROUP), by: Actor::system(), what: GroupRequest::Create(Box::new(lobby)) })?;
        if let Some(request) = subscribing(&directory, &id, receiver.url()) {
            call(request)?;
        }
        let key = match directory.keys.values().min_by_key(|key| (key.created, key.id.clone())) {
            Some(key) => key.clone(),
            None => {
                let key = new_key(ids, clock.now());
                call(Request::CreateKey(key.clone()))?;
                key
            }
        };
        Ok(Demo { app, key })
    }

    /// The login JSON that a business's server would hand to its client.
    fn login(&self, user: &str, role: &str, clock: &Clock, ids: &Ids) -> String {
        let nonce = format!("AK-{}", ids.text(16, ids::LOWER));
        let login = token::make_login(&self.app.id, &self.app.key, &self.app.sign, &UserId::trusted(user), &nonce, clock.now().seconds() + LOGIN_S, role);
        serde_json::to_string(&login).expect("strings and numbers")
    }

    /// What that server would hand to its client for an RTC channel.
    fn join(&self, user: &str, clock: &Clock, ids: &Ids) -> String {
        let nonce = format!("AK-{}", ids.text(16, ids::LOWER));
        let join = token::make_rtc(&self.app.id, &self.app.key, CHANNEL, &UserId::trusted(user), &nonce, clock.now().seconds() + LOGIN_S);
        serde_json::to_string(&join).expect("strings and numbers")
    }

    /// A call of Tencent's API, to be pasted: it makes a room.
    fn create_room(&self, control: SocketAddr, clock: &Clock) -> String {
        let App { sdkappid, key, administrators, .. } = &*self.app;
        let administrator = UserId::trusted(administrators.first().map_or(ADMINISTRATOR, String::as_str));
        let usersig = usersig::make(*sdkappid, key, &administrator, clock.now().seconds(), LOGIN_S, None);
        CREATE_ROOM
            .replace("@CONTROL@", &control.to_string())
            .replace("@SDKAPPID@", &sdkappid.to_string())
            .replace("@ADMINISTRATOR@", &form::encode(administrator.as_str()))
            .replace("@USERSIG@", &usersig)
    }

    /// The first thing a newcomer sees.
    fn welcome(&self, running: &Running, receiver: &Receiver, folder: &Folder, clock: &Clock, ids: &Ids) -> String {
        let sessions = format!("ws://{}{WEBSOCKET_PATH}", running.sessions);
        let logins = USERS.map(|(user, role)| (user, self.login(user, role, clock, ids)));
        let joins = USERS.map(|(user, _)| (user, self.join(user, clock, ids)));
        let kept = if folder.temporary { "  removed at exit; --data DIR keeps it" } else { "" };
        let mut text = format!(
            "roomd {version} is running. Ctrl-C ends it.\n\n\
             \x20 control API   http://{control}\n\
             \x20 sessions      {sessions}\n\
             \x20 callbacks     {callbacks}  printed below\n\
             \x20 data          {data}{kept}\n\n\
             \x20 AccessKey     {key_id}\n\
             \x20 secret        {key_secret}\n\
             \x20 application   {APP}, with the group {GROUP}\n\
             \x20 AppKey        {app_key}\n\
             \x20 SDKAppID      {sdkappid}, with the administrator {administrator}; its key is the AppKey\n\
             \x20 webhook token {token}\n",
            version = env!("CARGO_PKG_VERSION"),
            control = running.control,
            callbacks = receiver.url(),
            data = folder.path.display(),
            key_id = self.key.id,
            key_secret = self.key.secret,
            app_key = self.app.key,
            sdkappid = self.app.sdkappid,
            administrator = self.app.administrators.join(", "),
            token = self.app.live_token.as_ref().map_or("none", |live| &live.token),
        );
        if clock.is_virtual() {
            text += &format!(
                "\nTime stands still. This moves it by a second:\n\n\
                 curl -H \"Authorization: Bearer $(cat {data}/{OPERATOR_TOKEN})\" -d '{{\"advance_ms\":1000}}' http://{control}/operator/v1/clock\n",
                data = folder.path.display(),
                control = running.control,
            );
        }
        text += "\nLogins, good for a day, as your own server would make them (token: the same in base64):\n\n";
        for (user, login) in &logins {
            text += &format!("  {user:<6} {login}\n  token  {}\n\n", STANDARD.encode(login));
        }
        text += &format!("Tokens for the RTC channel {CHANNEL}, whose events are subscribed, made and good likewise:\n\n");
        for (user, join) in &joins {
            text += &format!("  {user:<6} {join}\n  token  {}\n\n", STANDARD.encode(join));
        }
        let ((user, login), (_, join)) = (&logins[0], &joins[0]);
        let client = CLIENT
            .replace("@TOKEN@", &STANDARD.encode(login))
            .replace("@CHANNEL_TOKEN@", &STANDARD.encode(join))
            .replace("@SESSIONS@", &sessions)
            .replace("@USER@", user);
        let server = SERVER.replace("@KEY_ID@", &self.key.id).replace("@KEY_SECRET@", &self.key.secret).replace("@CONTROL@", &running.control.to_string());
        text += &format!(
            "1. A client. In a second terminal; {user} logs on, says hello in the {GROUP} and publishes on the {CHANNEL}:\n\n\
             npm install centrifuge ws\nnode - <<'END'\n{client}END\n\n\
             2. Your server, where it speaks to Alibaba Cloud. In a third terminal, while {user} is there; the cloud's SDK, unmodified:\n\n\
             python3 -m venv sdk && sdk/bin/pip install -q alibabacloud-live20161101\nsdk/bin/python - <<'END'\n{server}END\n\n\
             3. Your server, where it speaks to Tencent Live: a call of its administrator, whose UserSig is good for a day. This makes a live room:\n\n\
             {create_room}\n\
             Tencent Chat is there as well: its clients, as tencentcloud-sdk-python-im, take http://{control}/v4 as their URL.\n\n\
             4. Callbacks of both clouds, as your server would get them:\n",
            create_room = self.create_room(running.control, clock),
            control = running.control,
        );
        text
    }
}

#[cfg(test)]
#[path = "dev_tests.rs"]
mod tests;
