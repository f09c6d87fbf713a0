//! What `dev` prints can be pasted.

use super::*;
use crate::{
    domain::{Change, ChannelId, ask::Ask},
    fake,
};

fn demo() -> Demo {
    let app = App { key: "appkey".into(), ..fake::app(APP) };
    Demo { app: Arc::new(app), key: AccessKey { id: "id".into(), secret: "secret".into(), created: crate::domain::Millis(0) } }
}

#[test]
fn what_clients_show_is_valid_and_needs_no_quoting() {
    let clock = Clock::standing();
    for (user, role) in USERS {
        let login = demo().login(user, role, &clock, &Ids::seeded(1));
        assert!(crate::alibaba::explain::login(&STANDARD.encode(&login), "appkey", clock.now()).good);
        assert!(!login.contains('\''));
        let join = demo().join(user, &clock, &Ids::seeded(1));
        assert!(crate::alibaba::explain::channel(&STANDARD.encode(&join), "appkey", clock.now()).good);
        assert!(!join.contains('\''));
    }
}

#[test]
fn all_channels_are_subscribed_once() {
    let fake = fake::Fake::new();
    fake.put(Change::App(demo().app));
    let app = AppId::trusted(APP);
    let ask = |url: &str| {
        if let Some(request) = subscribing(&fake.directory(), &app, url.into()) {
            fake.call(request).unwrap();
        }
        let all: Vec<String> = fake.directory().subscriptions[&app].iter().map(|s| format!("{} {:?}", s.url, s.wants)).collect();
        all.join(", ")
    };
    let wants = "Wants { channel: None, users: [], channel_events: true, user_events: true }";
    assert_eq!([ask("http://a/"), ask("http://a/"), ask("http://b/")], ["a", "a", "b"].map(|host| format!("http://{host}/ {wants}")));
    let one = Wants { channel: Some(ChannelId::trusted("c")), channel_events: true, ..Wants::default() };
    fake.call(Request::CreateSubscription { app: app.clone(), url: "http://c/".into(), wants: one.clone() }).unwrap();
    assert_eq!(ask("http://d/"), format!("http://d/ {wants}, http://c/ {one:?}"), "others stay as they are");
}

#[test]
fn webhooks_come_signed_to_the_receiver_that_is_there_now() {
    let fake = fake::Fake::new();
    fake.put(Change::App(demo().app));
    let id = AppId::trusted(APP);
    let ask = |url: &str, token: &str| {
        let changes = telling(&fake.directory().apps[&id], url.into(), token.into());
        let count = changes.len();
        for change in changes {
            fake.call(Request::ChangeApp { app: id.clone(), change }).unwrap();
        }
        let app = fake.directory().apps[&id].clone();
        let goes = |webhook: &Option<Webhook>, token: &Option<WebhookToken>| {
            let (webhook, token) = (webhook.as_ref().unwrap(), token.as_ref().unwrap());
            format!("{} {} {} {}", webhook.url, webhook.words.len(), token.token, token.enabled)
        };
        (count, goes(&app.live_webhook, &app.live_token), goes(&app.chat_webhook, &app.chat_token))
    };
    let (live, chat) = (LIVE_WORDS.len(), CHAT_WORDS.len());
    assert_eq!(ask("http://a/", "t1"), (3, format!("http://a/ {live} t1 true"), format!("http://a/ {chat} t1 true")));
    assert_eq!(ask("http://a/", "t1"), (0, format!("http://a/ {live} t1 true"), format!("http://a/ {chat} t1 true")));
    let words = |word: &str| Webhook { url: "http://a/".into(), words: vec![word.into()] };
    let change = |change| drop(fake.call(Request::ChangeApp { app: id.clone(), change }).unwrap());
    change(AppChange::UpdateLiveWebhook(words(LIVE_WORDS[0])));
    change(AppChange::ChatWebhook { webhook: Some(words(CHAT_WORDS[0])), token: Some(WebhookToken { token: "mine".into(), enabled: false }) });
    let kept = |url: &str, count: usize| (count, format!("{url} 1 t1 true"), format!("{url} 1 mine false"));
    assert_eq!(ask("http://b/", "t2"), kept("http://b/", 2), "what was chosen stays");
    change(AppChange::ChatWebhook { webhook: None, token: None });
    assert_eq!(ask("http://b/", "t2").2, format!("http://b/ {chat} t2 true"));
}

#[test]
fn the_call_of_the_other_cloud_s_api_is_signed_and_needs_no_more_quoting() {
    let (demo, clock) = (demo(), Clock::standing());
    let line = demo.create_room(([127, 0, 0, 1], 8780).into(), &clock);
    let parts: Vec<&str> = line.split('\'').collect();
    let [_, body, _, url, "\n"] = parts[..] else { panic!("{line}") };
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["RoomInfo"]["RoomId"], "show-1");
    let value = |name: &str| url.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap();
    assert_eq!(value("sdkappid"), demo.app.sdkappid.to_string());
    assert!(usersig::verify(value("usersig"), demo.app.sdkappid, "appkey", value("identifier"), clock.now()).is_ok());
}

#[test]
fn every_mark_of_the_scripts_is_one_that_is_filled_in() {
    let known = ["TOKEN", "CHANNEL_TOKEN", "SESSIONS", "USER", "KEY_ID", "KEY_SECRET", "CONTROL", "SDKAPPID", "ADMINISTRATOR", "USERSIG"];
    for script in [CLIENT, SERVER, CREATE_ROOM] {
        let marks: Vec<&str> = script.split('@').skip(1).step_by(2).collect();
        assert!(!marks.is_empty() && marks.iter().all(|mark| known.contains(mark)), "{marks:?}");
        // The here-document that carries it must not end early.
        assert!(script.ends_with('\n') && !script.lines().any(|line| line == "END"));
    }
}

#[test]
fn a_temporary_folder_is_ours_alone_and_goes() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new(None, &Ids::random()).unwrap();
    let path = folder.path.clone();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::write(path.join("x"), "x").unwrap();
    drop(folder);
    assert!(!path.exists());
}

#[test]
fn a_taken_port_is_answered_with_the_flag_of_dev() {
    let told = in_flags("cannot listen on 127.0.0.1:8780: it is taken; choose another address with --control".into());
    assert_eq!(told, "cannot listen on 127.0.0.1:8780: it is taken; choose other ports with --port-base");
    assert_eq!(in_flags("the disk is full".into()), "the disk is full");
}
