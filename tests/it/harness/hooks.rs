//! Webhooks of live rooms as tests see them: what the receiver was told, each checked for its URL, its signature and
//! its form, and then a line (`tencent.md` §3.2, §6.1).

use super::{Callback, Receiver, World, receiver::good};
use roomd::alibaba::signature::sha256_hex;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The words that the model yields.
pub const WORDS: [&str; 9] = [
    "Live.CallbackAfterCreateRoom",
    "Live.CallbackAfterDestroyRoom",
    "Live.CallbackAfterUpdateRoomInfo",
    "Live.CallbackAfterSetMetadata",
    "Live.CallbackAfterDelMetadata",
    "Live.CallbackAfterCreateRoomReachingThreshold",
    "Live.CallbackAfterMemberStateChanged",
    "Live.CallbackAfterChangeOwner",
    "Live.CallbackAfterModifyAdmin",
];

/// Is it one of them? By its URL: the bodies of the other cloud go to URLs without a query.
pub fn is_hook(path: &str) -> bool {
    path.contains("CallbackCommand=")
}

/// Name and value of each parameter, in order.
pub fn query(path: &str) -> Vec<(&str, &str)> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|pair| pair.split_once('=')).collect()
}

/// What is wrong with the frame of a webhook. `token`: with which it must be signed, if with any.
pub fn flaw(c: &Callback, token: Option<&str>) -> Option<String> {
    let (body, pairs) = (c.json(), query(&c.path));
    let names: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
    let value = |name: &str| pairs.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| *value);
    let word = body["CallbackCommand"].as_str().unwrap_or_default();
    let mut expected = vec!["SdkAppid", "CallbackCommand", "contenttype"];
    if !["Live.CallbackAfterChangeOwner", "Live.CallbackAfterModifyAdmin"].contains(&word) {
        // An unknown address is left out.
        expected.extend(names.contains(&"ClientIP").then_some("ClientIP"));
        expected.push("OptPlatform");
    }
    expected.push("RequestID");
    if token.is_some() {
        expected.extend(["Sign", "RequestTime"]);
    }
    if names != expected {
        return Some(format!("{word}: the query has {names:?}, not {expected:?}"));
    }
    if value("CallbackCommand") != word || value("contenttype") != "json" || value("RequestID") != c.delivery {
        return Some(format!("{word}: its query is not of this body and delivery: {}", c.path));
    }
    let platforms = ["RESTAPI", "Web", "Android", "iOS", "Windows", "Mac", "iPad", "Unknown"];
    if names.contains(&"OptPlatform") && !platforms.contains(&value("OptPlatform")) {
        return Some(format!("{word}: OptPlatform {}", value("OptPlatform")));
    }
    if let Some(token) = token {
        if value("Sign") != sha256_hex(format!("{token}{}", value("RequestTime")).as_bytes()) {
            return Some(format!("{word}: Sign is not that of the token: {}", c.path));
        }
        let off = value("RequestTime").parse::<i64>().unwrap_or(0) - c.at / 1000;
        if c.at > 0 && off.abs() > 1 {
            return Some(format!("{word}: signed {off} s from now"));
        }
    }
    let sorted = serde_json::to_vec(&body).expect("JSON");
    if sorted != c.body {
        return Some(format!("{word}: keys are not sorted, or there is space between: {}", String::from_utf8_lossy(&c.body)));
    }
    let at = body["EventTime"].as_i64().unwrap_or(0);
    (at < 1_000_000_000_000 || c.at > 0 && at > c.at).then(|| format!("{word}: EventTime {}", body["EventTime"]))
}

/// A webhook as a line that begins with its room. Fails on any field that is not documented, missing, or of another type.
pub fn line(c: &Callback) -> String {
    let body = c.json();
    let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("{name} is no text: {body}")).to_owned();
    let list = |name: &str| {
        let items = body[name].as_array().unwrap_or_else(|| panic!("{name} is no list: {body}"));
        items.iter().map(|item| item.as_str().unwrap_or_else(|| panic!("{body}")).to_owned()).collect::<Vec<_>>().join(",")
    };
    let word = text("CallbackCommand");
    let word = word.strip_prefix("Live.CallbackAfter").unwrap_or_else(|| panic!("{word}"));
    let (fields, line): (&[&str], String) = match word {
        "CreateRoom" => {
            shape(&body["RoomInfo"], CREATED);
            (&["Operator_Account", "RoomInfo"], format!("{} Create {}", body["RoomInfo"]["RoomId"].as_str().expect("a RoomId"), text("Operator_Account")))
        }
        "DestroyRoom" => {
            shape(&body["RoomInfo"], DESTROYED);
            let statistic = ["TotalViewers", "TotalGiftsSent", "TotalGiftCoins", "TotalUniqueGiftSenders", "TotalLikesReceived"];
            shape(&body["Statistic"], &statistic.map(|name| (name, 'n')));
            let line = format!("{} Destroy {} {}", text("RoomId"), text("Operator_Account"), text("EventType"));
            (&["Operator_Account", "RoomId", "EventType", "RoomInfo", "Statistic"], line)
        }
        "UpdateRoomInfo" => {
            shape(&body["RoomInfo"], UPDATED);
            (&["Operator_Account", "RoomInfo"], format!("{} Update {}", body["RoomInfo"]["RoomId"].as_str().expect("a RoomId"), text("Operator_Account")))
        }
        "MemberStateChanged" => {
            let members = body["MemberList"].as_array().expect("MemberList");
            let [member] = &members[..] else { panic!("one member a webhook: {body}") };
            shape(member, &[("Member_Account", 's')]);
            let line = format!("{} {} {} {}", text("RoomId"), text("EventType"), text("EventCause"), member["Member_Account"].as_str().unwrap());
            (&["RoomId", "EventType", "EventCause", "MemberList"], line)
        }
        "ChangeOwner" => {
            let line = format!("{} Owner {}: {} to {}", text("RoomId"), text("Operator_Account"), text("OriginalOwner_Account"), text("CurrentOwner_Account"));
            (&["RoomId", "Operator_Account", "CurrentOwner_Account", "OriginalOwner_Account"], line)
        }
        "ModifyAdmin" => {
            let line = format!("{} Admin {}: {} {}", text("RoomId"), text("Operator_Account"), text("opType"), list("Admin_Account"));
            (&["RoomId", "Operator_Account", "Admin_Account", "opType"], line)
        }
        "SetMetadata" => {
            let pairs = body["Metadata"].as_array().expect("Metadata");
            let pair = |pair: &Value| {
                shape(pair, &[("Key", 's'), ("Value", 's')]);
                format!("{}={}", pair["Key"].as_str().unwrap(), pair["Value"].as_str().unwrap())
            };
            let line = format!("{} Set {}: {}", text("RoomId"), text("Operator_Account"), pairs.iter().map(pair).collect::<Vec<_>>().join(","));
            (&["RoomId", "Operator_Account", "Metadata"], line)
        }
        "DelMetadata" => (&["RoomId", "Operator_Account", "Keys"], format!("{} Del {}: {}", text("RoomId"), text("Operator_Account"), list("Keys"))),
        "CreateRoomReachingThreshold" => {
            let count = |name: &str| body[name].as_u64().unwrap_or_else(|| panic!("{body}"));
            let line = format!("- Threshold {}: {} of {}", text("Operator_Account"), count("CurRoomCount"), count("MaxRoomCount"));
            (&["Operator_Account", "CurRoomCount", "MaxRoomCount"], line)
        }
        other => panic!("{other} is no word of rooms and users"),
    };
    let got: BTreeSet<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    let expected: BTreeSet<&str> = fields.iter().copied().chain(["CallbackCommand", "EventTime"]).collect();
    assert_eq!(got, expected, "{body}");
    line
}

/// Names and types: text, number, boolean, list of numbers.
type Shape<'a> = &'a [(&'a str, char)];

const CREATED: Shape = &[
    ("RoomId", 's'),
    ("RoomName", 's'),
    ("RoomType", 's'),
    ("Owner_Account", 's'),
    ("MaxMemberCount", 'n'),
    ("IsMessageDisabled", 'b'),
    ("CustomInfo", 's'),
    ("IsSeatEnabled", 'b'),
    ("TakeSeatMode", 's'),
    ("MaxSeatCount", 'n'),
    ("CreateTime", 'n'),
    ("IsPublicVisible", 'b'),
    ("CoverURL", 's'),
    ("Category", 'l'),
];
const DESTROYED: Shape = &[
    ("RoomName", 's'),
    ("RoomType", 's'),
    ("Owner_Account", 's'),
    ("IsSeatEnabled", 'b'),
    ("TakeSeatMode", 's'),
    ("MaxMemberCount", 'n'),
    ("MaxSeatCount", 'n'),
    ("Category", 'l'),
    ("CustomInfo", 's'),
    ("IsMessageDisabled", 'b'),
    ("CoverURL", 's'),
    ("ActivityStatus", 'n'),
    ("IsPublicVisible", 'b'),
    ("ViewCount", 'n'),
    ("BackgroundURL", 's'),
    ("IsUnlimitedRoomEnabled", 'b'),
];
const UPDATED: Shape = &[
    ("RoomId", 's'),
    ("RoomName", 's'),
    ("MaxMemberCount", 'n'),
    ("IsMessageDisabled", 'b'),
    ("CoverURL", 's'),
    ("Category", 'l'),
    ("ActivityStatus", 'n'),
    ("IsPublicVisible", 'b'),
    ("TakeSeatMode", 's'),
    ("CustomInfo", 's'),
];

fn shape(object: &Value, shape: Shape) {
    let got: BTreeMap<&str, char> =
        object.as_object().unwrap_or_else(|| panic!("{object} is no object")).iter().map(|(name, value)| (&**name, kind(value))).collect();
    assert_eq!(got, shape.iter().copied().collect::<BTreeMap<_, _>>(), "{object}");
}

fn kind(value: &Value) -> char {
    match value {
        Value::String(_) => 's',
        Value::Number(n) if n.is_u64() || n.is_i64() => 'n',
        Value::Bool(_) => 'b',
        Value::Array(items) if items.iter().all(Value::is_i64) => 'l',
        _ => '?',
    }
}

impl Receiver {
    /// Where the webhooks of live rooms go.
    pub fn live_url(&self) -> String {
        self.path_url("/live")
    }

    /// The webhooks that were delivered so far, each once, in the order they came.
    pub fn hooks(&self) -> Vec<Callback> {
        hooks(&self.all()).cloned().collect()
    }

    /// The same as lines, once they are enough.
    pub fn until_hooks(&self, what: &str, enough: impl Fn(&[String]) -> bool) -> Vec<String> {
        let lines = |all: &[Callback]| hooks(all).map(line).collect::<Vec<_>>();
        lines(&self.until_all(what, |all| enough(&lines(all))))
    }

    /// Each try of a webhook whose line begins so.
    pub fn tries(&self, begins: &str) -> Vec<Callback> {
        self.all().into_iter().filter(|c| is_hook(&c.path) && line(c).starts_with(begins)).collect()
    }
}

fn hooks(all: &[Callback]) -> impl Iterator<Item = &Callback> {
    good(all).filter(|c| is_hook(&c.path))
}

impl World {
    /// A world whose live rooms' webhooks go to the receiver, all words of them; nothing goes to the other cloud's URL.
    pub fn live() -> World {
        World::live_with(|_| ())
    }

    pub fn live_with(change: impl FnOnce(&mut roomd::settings::Settings)) -> World {
        let world = World::with(change);
        world.api().ok("ModifyLiveMessageAppCallback", &[("AppId", &world.app.id)]);
        world.tencent().hook(&world.receiver.live_url(), &WORDS);
        world
    }

    /// The receiver was told exactly this of live rooms since the last look, in this order of each room.
    #[track_caller]
    pub fn hooked(&self, expected: &[&str]) {
        let seen = self.receiver.hooks_seen();
        self.receiver.until_hooks(&format!("{expected:?}"), |lines| lines.len() >= seen + expected.len());
        self.server.settle();
        let all = self.receiver.until_hooks("all", |_| true);
        let mut got = all[seen..].to_vec();
        self.receiver.see_hooks(all.len());
        let mut expected: Vec<String> = expected.iter().map(|e| e.to_string()).collect();
        let room = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
        got.sort_by_key(room);
        expected.sort_by_key(room);
        assert_eq!(got, expected, "what the receiver was told");
    }
}
