//! RTC channels as tests see them: a client in a channel, the operator's door for media servers, and what
//! a subscription is told, checked for its form and for making sense.

use super::{Answer, App, Callback, Client, Receiver, World, api::Api, http, receiver::good};
use serde_json::{Value, json};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, HashSet},
    net::SocketAddr,
    path::Path,
};

/// One event of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub channel: String,
    /// Empty when it is about the channel itself, like the session.
    pub user: String,
    pub session: String,
    /// Unix seconds.
    pub time: i64,
    /// `Open`, `Close`, or like `Join 1 viewer`, `Leave 4 streamer`, `PublishVideo streamer 1,2`.
    pub what: String,
}

impl Told {
    /// `c1 Open`, `c1 u1 Join 1 viewer`.
    pub fn line(&self) -> String {
        let user = if self.user.is_empty() { String::new() } else { format!("{} ", self.user) };
        format!("{} {user}{}", self.channel, self.what)
    }
}

const TAGS: [&str; 7] = ["PublishAudio", "PublishVideo", "PublishScreen", "UnpublishAudio", "UnpublishVideo", "UnpublishScreen", "Roleupdate"];

/// The path of [`Receiver::rtc_url`].
pub fn path(name: &str) -> String {
    format!("/rtc/{name}")
}

/// The events of a callback. Fails on any field that is not documented, missing, or of another type.
pub fn told(callback: &Callback) -> Vec<Told> {
    let body = callback.json();
    let channel = text(&body["ChannelId"]);
    let contents = body["Contents"].as_array().expect("Contents");
    contents.iter().map(|content| one(&channel, content)).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string")).to_owned()
}

fn one(channel: &str, content: &Value) -> Told {
    let kind = text(&content["Event"]);
    assert_eq!(keys(content), BTreeSet::from(["Event", &*kind]), "{content}");
    let event = &content[&*kind];
    let tag = text(&event["EventTag"]);
    let time = event["Timestamp"].as_i64().expect("seconds");
    let mut told = Told { channel: channel.into(), user: String::new(), session: String::new(), time, what: tag.clone() };
    if kind == "ChannelEvent" {
        assert_eq!(keys(event), BTreeSet::from(["ChannelId", "EventTag", "Timestamp"]), "{content}");
        assert!(event["ChannelId"] == *channel && ["Open", "Close"].contains(&&*tag), "{content}");
        return told;
    }
    assert_eq!(kind, "UserEvent");
    let mut fields = BTreeSet::from(["UserId", "EventTag", "SessionId", "Timestamp", "Role"]);
    match &*tag {
        "Join" => fields.extend(["Reason", "CurrentMedias"]),
        "Leave" => fields.extend(["Reason"]),
        _ => fields.extend(["CurrentMedias"]),
    }
    assert_eq!(keys(event), fields, "{content}");
    assert!(tag == "Join" || tag == "Leave" || TAGS.contains(&&*tag), "{content}");
    let role = match event["Role"].as_u64() {
        Some(1) => "streamer",
        Some(2) => "viewer",
        _ => panic!("{content}"),
    };
    (told.user, told.session) = (text(&event["UserId"]), text(&event["SessionId"]));
    let reason = event.get("Reason").map(|r| format!(" {}", r.as_u64().expect("a number"))).unwrap_or_default();
    let medias = event.get("CurrentMedias").map(text).unwrap_or_default();
    told.what = format!("{tag}{reason} {role} {medias}").trim_end().to_owned();
    told
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap_or_else(|| panic!("{object} is no object")).keys().map(String::as_str).collect()
}

/// What is wrong with the frame of a callback, whose events are not looked at.
pub fn flaw(c: &Callback) -> Option<String> {
    let body = c.json();
    let (id, sub, channel) = (&body["MsgId"], &body["SubscribeId"], &body["ChannelId"]);
    let head = |both: bool| {
        let twice = |name: &str, value: &Value| if both { format!(",\"{name}\":{value}") } else { String::new() };
        let (subs, channels) = (twice("SubscribeID", sub), twice("ChannelID", channel));
        let (at, app) = (&body["MsgTimestamp"], &body["AppId"]);
        format!("{{\"MsgId\":{id},\"MsgTimestamp\":{at},\"SubscribeId\":{sub}{subs},\"AppId\":{app},\"ChannelId\":{channel}{channels},\"Contents\":[{{")
    };
    let text = String::from_utf8_lossy(&c.body);
    if !text.starts_with(&head(true)) && !text.starts_with(&head(false)) {
        return Some("the fields of a channel callback, in this order".into());
    }
    let hex = |id: &str| id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if id != &c.delivery || !hex(&c.delivery) {
        return Some(format!("MsgId is not the delivery's id {}", c.delivery));
    }
    let frozen = body["MsgTimestamp"].as_i64().unwrap_or(i64::MAX);
    if c.at > 0 && frozen > c.at / 1000 {
        return Some(format!("it came at {} already", c.at / 1000));
    }
    let contents = body["Contents"].as_array().map_or(0, Vec::len);
    (contents == 0 || contents > 100).then(|| format!("{contents} events"))
}

impl Receiver {
    /// What a subscription with this name was told, each event once, in the order it came; once it is enough.
    pub fn until_told(&self, name: &str, what: &str, enough: impl Fn(&[Told]) -> bool) -> Vec<Told> {
        let path = path(name);
        let of = |all: &[Callback]| good(all).filter(|c| c.path == path).flat_map(told).collect::<Vec<_>>();
        of(&self.until_all(what, |all| enough(&of(all))))
    }
}

/// A subscription whose callbacks go to a path of its own.
pub struct Watch {
    pub id: String,
    pub name: String,
    /// POSTs that were looked at, and the deliveries among them.
    seen: Cell<usize>,
    done: RefCell<HashSet<String>>,
}

impl Watch {
    fn events(&self, posts: &[Callback]) -> Vec<Told> {
        let (path, done) = (path(&self.name), self.done.borrow());
        good(posts).filter(|c| c.path == path && !done.contains(&c.delivery)).flat_map(told).collect()
    }

    fn look(&self, receiver: &Receiver) -> Vec<Told> {
        let posts = receiver.after(self.seen.get());
        let news = self.events(&posts);
        self.seen.set(self.seen.get() + posts.len());
        self.done.borrow_mut().extend(good(&posts).map(|c| c.delivery.clone()));
        news
    }
}

impl Api {
    /// Subscribes to both kinds of event, unless `params` say something else.
    pub fn watch(&self, app: &App, url: &str, params: &[(&str, &str)]) -> String {
        let mut all = vec![("AppId", &*app.id), ("CallbackUrl", url)];
        if !params.iter().any(|(name, _)| name.starts_with("Events")) {
            all.extend([("Events.1", "ChannelEvent"), ("Events.2", "UserEvent")]);
        }
        all.extend_from_slice(params);
        text(&self.ok("CreateEventSub", &all)["SubscribeId"])
    }
}

impl World {
    pub fn watch(&self, name: &str, params: &[(&str, &str)]) -> Watch {
        let id = self.api().watch(&self.app, &self.receiver.rtc_url(name), params);
        Watch { id, name: name.into(), seen: Cell::new(0), done: RefCell::default() }
    }

    /// The subscription was told exactly this since the last look, in this order in each channel.
    #[track_caller]
    pub fn heard(&self, watch: &Watch, expected: &[&str]) -> Vec<Told> {
        let news = self.heard_any(watch, expected.len());
        let mut got: Vec<String> = news.iter().map(Told::line).collect();
        let mut expected: Vec<String> = expected.iter().map(|e| e.to_string()).collect();
        let channel = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
        got.sort_by_key(channel);
        expected.sort_by_key(channel);
        assert_eq!(got, expected, "what {} was told", watch.name);
        news
    }

    /// So many events, which may come in another order.
    pub fn heard_any(&self, watch: &Watch, n: usize) -> Vec<Told> {
        let seen = watch.seen.get();
        self.receiver.until_all(&format!("{n} events"), |all| watch.events(&all[seen..]).len() >= n);
        self.news(watch)
    }

    /// What it was told since the last look.
    pub fn news(&self, watch: &Watch) -> Vec<Told> {
        self.server.settle();
        watch.look(&self.receiver)
    }

    /// The same where so many events are expected, and no more is waited for; a later look would find it.
    pub fn arrived(&self, watch: &Watch, n: usize) -> Vec<Told> {
        let seen = watch.seen.get();
        if n == 0 || self.receiver.soon(|all| watch.events(&all[seen..]).len() >= n) { watch.look(&self.receiver) } else { self.news(watch) }
    }

    /// A token that is good for a day.
    pub fn channel_token(&self, user: &str, channel: &str) -> String {
        self.app.channel_token(user, channel, self.seconds() + 86_400)
    }

    /// `user`, logged in and in the channel.
    pub fn inside(&self, user: &str, channel: &str, role: u8) -> Client {
        let mut client = self.on(user);
        self.enter(&mut client, user, channel, role);
        client
    }

    /// Subscribes to the channel; what it is told of itself.
    pub fn enter(&self, client: &mut Client, user: &str, channel: &str, role: u8) -> Value {
        client.enter(channel, &self.channel_token(user, channel), role)
    }

    /// Tells the operator's door what a media server sees.
    pub fn report(&self, channel: &str, events: Value) -> Answer {
        report(self.server.running().control, self.server.folder.path(), &self.app, channel, &events.to_string())
    }

    /// The same with a good outcome: what each user is now.
    #[track_caller]
    pub fn reported(&self, channel: &str, events: Value) -> Vec<Value> {
        let answer = self.report(channel, events);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["events"].as_array().expect("a list").clone()
    }

    /// `DescribeChannelUsers`: streamers and viewers, if it exists.
    pub fn users_of(&self, channel: &str) -> Option<(Value, Value)> {
        let body = self.api().ok("DescribeChannelUsers", &[("AppId", &self.app.id), ("ChannelId", channel)]);
        (body["IsChannelExists"] == true).then(|| (body["InteractiveUserList"].clone(), body["LiveUserList"].clone()))
    }
}

/// `body` as it is to the operator's door of the server whose data are in `data`.
pub fn report(at: SocketAddr, data: &Path, app: &App, channel: &str, body: &str) -> Answer {
    operator(at, data, "POST", &format!("channels/{}/{channel}/events", app.id), body)
}

/// A request of the operator.
pub fn operator(at: SocketAddr, data: &Path, method: &str, path: &str, body: &str) -> Answer {
    let token = std::fs::read_to_string(data.join("operator.token")).expect("the operator's token");
    let head = format!("{method} /operator/v1/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n", token.trim(), body.len());
    http(at, (head + body).as_bytes()).expect("an answer")
}

impl Client {
    pub fn enter(&mut self, channel: &str, token: &str, role: u8) -> Value {
        let ask = json!({"channel": format!("rtc:{channel}"), "token": token, "data": {"role": role}, "join_leave": true});
        self.ok("subscribe", ask)["data"].clone()
    }

    pub fn exit(&mut self, channel: &str) {
        self.ok("unsubscribe", json!({"channel": format!("rtc:{channel}")}));
    }

    /// `rtc.publish`, `rtc.unpublish` or `rtc.role`: what the user is now.
    #[track_caller]
    pub fn rtc(&mut self, method: &str, channel: &str, more: Value) -> Value {
        self.ok("rpc", rtc(method, channel, more))["data"].clone()
    }

    /// The code of one that fails.
    #[track_caller]
    pub fn rtc_fails(&mut self, method: &str, channel: &str, more: Value) -> u64 {
        self.code("rpc", rtc(method, channel, more))
    }
}

/// `more` is the list of medias, or the role.
pub fn rtc(method: &str, channel: &str, more: Value) -> Value {
    let name = if more.is_array() { "medias" } else { "role" };
    json!({"method": method, "data": {"channel": format!("rtc:{channel}"), name: more}})
}

/// Somebody in a channel, as the events tell it.
struct Inside {
    session: String,
    medias: String,
    streamer: bool,
}

/// Checks what a subscription to everything was told: of each channel Open, then of each session Join … Leave,
/// then Close; nothing outside, nothing twice, and the medias are always those that were published. The result
/// is what is still open, as `channel`, and who is still in, as `channel user`.
pub fn check_story(all: &[Told]) -> BTreeSet<String> {
    let mut channels: BTreeMap<&str, Option<BTreeMap<&str, Inside>>> = BTreeMap::new();
    let mut sessions = BTreeSet::new();
    for (n, told) in all.iter().enumerate() {
        let wrong = || format!("{:?} after {:#?}", told.line(), all[..n].iter().map(Told::line).collect::<Vec<_>>());
        let channel = channels.entry(&told.channel).or_default();
        let words: Vec<&str> = told.what.split(' ').collect();
        match (channel.as_mut(), words[0]) {
            (None, "Open") => *channel = Some(BTreeMap::new()),
            (Some(inside), "Close") => {
                assert!(inside.is_empty(), "{}", wrong());
                *channel = None;
            }
            (Some(inside), "Join") if words[1] != "2" => {
                assert!(sessions.insert(&told.session) && words.len() == 3, "{}", wrong());
                let new = Inside { session: told.session.clone(), medias: String::new(), streamer: words[2] == "streamer" };
                assert!(inside.insert(&told.user, new).is_none(), "{}", wrong());
            }
            (Some(inside), event) => {
                let user = inside.get_mut(&*told.user).unwrap_or_else(|| panic!("{}", wrong()));
                assert_eq!(user.session, told.session, "{}", wrong());
                user.happens(event, &words[1..], &wrong);
                if event == "Leave" {
                    inside.remove(&*told.user);
                }
            }
            (None, _) => panic!("{}", wrong()),
        }
    }
    let open = channels.into_iter().filter_map(|(channel, users)| Some((channel, users?)));
    open.flat_map(|(channel, users)| [channel.to_owned()].into_iter().chain(users.into_keys().map(move |user| format!("{channel} {user}")))).collect()
}

impl Inside {
    /// `words`: of a rejoin or leave the reason, then the role, then the medias unless there are none.
    fn happens(&mut self, event: &str, words: &[&str], wrong: &dyn Fn() -> String) {
        let words = if matches!(event, "Join" | "Leave") { &words[1..] } else { words };
        if event == "Roleupdate" {
            self.streamer = !self.streamer;
        }
        let number = |media: &str| match media {
            "Audio" => "1",
            "Video" => "2",
            _ => "3",
        };
        let mut medias: BTreeSet<&str> = self.medias.split(',').filter(|m| !m.is_empty()).collect();
        if let Some(media) = event.strip_prefix("Publish") {
            assert!(self.streamer && medias.insert(number(media)), "{}", wrong());
        } else if let Some(media) = event.strip_prefix("Unpublish") {
            assert!(medias.remove(number(media)), "{}", wrong());
        }
        self.medias = medias.into_iter().collect::<Vec<_>>().join(",");
        assert!(event != "Leave" || self.medias.is_empty(), "who leaves unpublishes first: {}", wrong());
        let role = if self.streamer { "streamer" } else { "viewer" };
        assert_eq!(words, [role, &*self.medias].into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>(), "{}", wrong());
    }
}
