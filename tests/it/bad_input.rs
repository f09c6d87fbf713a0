//! Bad input: each parameter of each operation missing, empty, too long, of the wrong type, out of range, in a
//! wrong alphabet, naming what is not there or what is another application's. The answer is the documented
//! code and names the parameter, and the store is as it was. What is just still legal is let through.

use crate::harness::{App, Client, World};
use Kind::*;
use Need::*;
use roomd::alibaba::operation::OPERATIONS;
use rusqlite::{Connection, types::Value};
use serde_json::json;
use std::collections::BTreeMap;

/// What a parameter may hold (`alibaba.md` §2).
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    AppId,
    DataCenter,
    /// Names what is to be made: letters, digits, `_` and `-`.
    NewId,
    /// Names something, wherever that was made: 1 to 64 bytes without control characters. It need not be there.
    Id,
    /// The same of a group that must be there, deleted or not.
    Group,
    /// Of a group that must be alive.
    LiveGroup,
    /// Of a user who must be online.
    Online,
    /// Of a message that must have been sent to the group or the user.
    Message,
    /// At most so many of [`Id`].
    Ids(usize),
    /// At most so many of [`NewId`].
    NewIds(usize),
    /// At most so many bytes.
    Text(usize),
    /// 2 to 16 characters.
    AppName,
    Url,
    Flag,
    Int(i64, i64),
}

#[derive(Clone, Copy, PartialEq)]
enum Need {
    Optional,
    /// The gateway says `Missing…`.
    Required,
    /// Declared optional, and yet `InputInvalid` when it is absent.
    Demanded,
}

struct Param {
    name: &'static str,
    need: Need,
    kind: Kind,
    /// What the other cases send; empty: they leave it out.
    usual: &'static str,
}

struct Operation {
    name: &'static str,
    params: Vec<Param>,
}

const INFO: Kind = Text(512);
const GROUP_INFO: Kind = Text(32 * 1024);
const BODY: Kind = Text(15 * 1024);
const SORT: Kind = Int(1, 2);
const PAGE: Kind = Int(10, 50);
const TOKEN: Kind = Int(-1, i64::MAX);
const SECONDS: Kind = Int(0, i64::MAX);
const INT32: Kind = Int(i32::MIN as i64, i32::MAX as i64);

/// Operation, then its parameters but for `DataCenter`, which all have.
#[rustfmt::skip]
fn operations() -> Vec<Operation> {
    let app = ("AppId", Required, AppId, "");
    let group = ("GroupId", Required, Group, "g1");
    let live_group = ("GroupId", Required, LiveGroup, "g1");
    type Row = (&'static str, Need, Kind, &'static str);
    let rows: Vec<(&str, Vec<Row>)> = vec![
        ("CreateLiveMessageApp", vec![
            ("AppName", Optional, AppName, ""), ("AuditType", Optional, Int(0, 2), "0"), ("AuditUrl", Optional, Url, "http://audit.example.com/a"),
            ("EventCallbackUrl", Optional, Url, ""), ("MsgLifeCycle", Optional, Int(0, 2), ""),
        ]),
        ("DescribeLiveMessageApp", vec![app]),
        ("ListLiveMessageApps", vec![("SortType", Required, SORT, "1"), ("NextPageToken", Optional, TOKEN, "")]),
        ("ModifyLiveMessageAppAudit", vec![app, ("AuditType", Optional, Int(0, 2), "0"), ("AuditUrl", Optional, Url, "http://audit.example.com/a")]),
        ("ModifyLiveMessageAppCallback", vec![app, ("EventCallbackUrl", Optional, Url, "")]),
        ("ModifyLiveMessageAppDisable", vec![app, ("Disable", Optional, Flag, "false")]),

        ("CreateLiveMessageGroup", vec![
            app, ("GroupId", Required, NewId, "new"), ("GroupName", Optional, Text(128), ""), ("GroupInfo", Optional, GROUP_INFO, ""),
            ("CreatorId", Optional, NewId, ""), ("Administrators", Optional, NewIds(3), ""),
        ]),
        ("ModifyLiveMessageGroup", vec![
            app, live_group, ("ModifyAdmin", Optional, Flag, "true"), ("AdminList", Optional, NewIds(3), "a1"), ("ModifyInfo", Optional, Flag, "true"),
            ("GroupInfo", Optional, GROUP_INFO, "info"),
        ]),
        ("DescribeLiveMessageGroup", vec![app, group]),
        ("ListLiveMessageGroups", vec![
            app, ("SortType", Required, SORT, "1"), ("GroupStatus", Optional, Int(0, 2), ""), ("NextPageToken", Optional, TOKEN, ""),
        ]),
        ("ListLiveMessageGroupByPage", vec![
            app, ("SortType", Required, SORT, "1"), ("GroupStatus", Optional, Int(0, 2), ""), ("PageNumber", Optional, Int(1, 10_000), ""),
            ("PageSize", Optional, Int(1, 50), ""),
        ]),
        ("DeleteLiveMessageGroup", vec![app, ("GroupId", Required, Id, "g1"), ("OperatorId", Optional, Id, "")]),
        ("RecoverLiveMessageDeletedGroup", vec![app, ("GroupId", Required, Group, "gone")]),

        ("BanLiveMessageGroup", vec![app, live_group, ("ExceptUsers", Optional, Ids(30), "")]),
        ("UnbanLiveMessageGroup", vec![app, live_group]),
        ("AddLiveMessageGroupBand", vec![app, live_group, ("BannedUsers", Required, Ids(30), "u9")]),
        ("RemoveLiveMessageGroupBand", vec![app, live_group, ("UnbannedUsers", Required, Ids(30), "u9")]),
        ("ModifyLiveMessageGroupBand", vec![
            app, live_group, ("BannedAll", Optional, Flag, "true"), ("BannnedUsers", Optional, Ids(30), "u9"), ("ExceptUsers", Optional, Ids(30), ""),
        ]),
        ("DescribeLiveMessageGroupBand", vec![app, live_group]),
        ("KickLiveMessageGroupUser", vec![app, live_group, ("KickoffUser", Required, Online, "u1")]),
        ("ListLiveMessageGroupUsers", vec![
            app, live_group, ("SortType", Required, SORT, "1"), ("PageSize", Required, PAGE, "10"), ("NextPageToken", Optional, TOKEN, ""),
        ]),
        ("CheckLiveMessageUsersInGroup", vec![app, live_group, ("UserIds", Required, Ids(100), "u1")]),
        ("CheckLiveMessageUsersOnline", vec![app, ("UserIds", Required, Ids(100), "u1")]),
        ("ModifyLiveMessageUserInfo", vec![app, ("UserId", Required, Online, "u1"), ("UserMetaInfo", Optional, INFO, "info")]),

        ("SendLiveMessageGroup", vec![
            app, live_group, ("SenderId", Required, Id, "s"), ("SenderMetaInfo", Optional, INFO, ""), ("Body", Optional, BODY, "hi"),
            ("MsgType", Optional, INT32, ""), ("MsgTid", Optional, Id, ""), ("StaticsIncrease", Optional, INT32, ""), ("Weight", Optional, INT32, ""),
            ("NoStorage", Optional, Flag, ""), ("NoCache", Optional, Flag, ""),
        ]),
        ("SendLiveMessageUser", vec![
            app, ("SenderId", Required, Id, "s"), ("ReceiverId", Required, Online, "u1"), ("SenderInfo", Optional, INFO, ""),
            ("Body", Optional, BODY, "hi"), ("MsgType", Optional, INT32, ""), ("MsgTid", Optional, Id, ""), ("Storage", Optional, Flag, ""),
            ("HighReliability", Optional, Flag, ""),
        ]),
        ("DeleteLiveMessageGroupMessage", vec![
            app, group, ("MessageId", Required, Message, "t1"), ("DeleterId", Optional, Id, ""), ("DeleterInfo", Optional, INFO, ""),
        ]),
        ("DeleteLiveMessageUserMessage", vec![
            app, ("MessageId", Required, Message, "t1"), ("ReceiverId", Required, Id, "u1"), ("DeleterId", Demanded, Id, "d"),
            ("DeleterInfo", Optional, INFO, ""),
        ]),
        ("ListLiveMessageGroupMessages", vec![
            app, group, ("SortType", Required, SORT, "1"), ("PageSize", Required, PAGE, "10"), ("NextPageToken", Optional, TOKEN, ""),
            ("BeginTime", Optional, SECONDS, ""), ("EndTime", Optional, SECONDS, ""), ("MsgType", Optional, INT32, ""),
        ]),
    ];
    let center = ("DataCenter", Optional, DataCenter, "");
    let param = |(name, need, kind, usual)| Param { name, need, kind, usual };
    rows.into_iter().map(|(name, params)| Operation { name, params: params.into_iter().chain([center]).map(param).collect() }).collect()
}

/// Names and values as they are sent.
type Pairs = Vec<(String, String)>;

/// An application with a group `g1`, in which `u1` is, a group `empty`, and a deleted one, `gone`; `t1` was said in `g1`, and to
/// `u1` alone. And another application without any of it.
struct Town {
    world: World,
    other: App,
    _u1: Client,
}

impl Town {
    fn new() -> Town {
        let world = World::of(&["g1", "empty", "gone"]);
        let (api, app) = (world.api(), &*world.app.id);
        let u1 = world.member("u1", "g1");
        for (action, to) in [("SendLiveMessageGroup", ("GroupId", "g1")), ("SendLiveMessageUser", ("ReceiverId", "u1"))] {
            api.ok(action, &[("AppId", app), to, ("SenderId", "s"), ("MsgTid", "t1"), ("Body", "hi")]);
        }
        api.ok("DeleteLiveMessageGroup", &[("AppId", app), ("GroupId", "gone")]);
        let other = api.app(&world.receiver.url());
        world.told(&["u1 on", "u1 join g1"]);
        Town { other, _u1: u1, world }
    }

    /// The usual call of an operation, but for what `instead` says of one parameter.
    fn call(&self, operation: &Operation, param: &Param, instead: &Pairs) -> crate::harness::Answer {
        let usual = |p: &Param| if p.kind == AppId { self.world.app.id.clone() } else { p.usual.to_owned() };
        let others = operation.params.iter().filter(|p| p.name != param.name).map(|p| (p.name.to_owned(), usual(p)));
        let all: Pairs = others.filter(|(_, value)| !value.is_empty()).chain(instead.iter().cloned()).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (&**name, &**value)).collect();
        self.world.api().call(operation.name, &all).v3()
    }
}

/// All rows of all tables.
fn dump(store: &Connection) -> BTreeMap<String, Vec<Vec<Value>>> {
    let mut tables = store.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let rows = |table: &str| {
        let mut all = store.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = all.column_count();
        let rows = all.query_map([], |row| (0..columns).map(|n| row.get(n)).collect()).unwrap();
        rows.map(Result::unwrap).collect()
    };
    tables.into_iter().map(|table| (table.clone(), rows(&table))).collect()
}

/// A bad value: what is wrong with it, what is sent, and the answer's status, code, and what its message names.
struct Bad {
    what: &'static str,
    pairs: Pairs,
    status: u16,
    code: String,
    names: String,
}

impl Param {
    /// Its value as one text.
    fn is(&self, value: impl Into<String>) -> Pairs {
        vec![(self.name.into(), value.into())]
    }

    fn numbered<S: Into<String>>(&self, items: impl IntoIterator<Item = S>) -> Pairs {
        items.into_iter().enumerate().map(|(n, item)| (format!("{}.{}", self.name, n + 1), item.into())).collect()
    }

    /// A list in each of the encodings.
    fn lists(&self, items: &[String]) -> Vec<Pairs> {
        vec![self.is(items.join(",")), self.numbered(items), self.is(serde_json::to_string(items).unwrap())]
    }

    /// Values that are refused before anything is looked for.
    fn illegal(&self) -> Vec<(&'static str, Pairs)> {
        let long = "x".repeat(65);
        let texts = |cases: &[(&'static str, &str)]| cases.iter().map(|(what, text)| (*what, self.is(*text))).collect::<Vec<_>>();
        let users = |n: usize| (0..n).map(|n| format!("u{n}")).collect::<Vec<_>>();
        match self.kind {
            AppId | Id | Group | LiveGroup | Online | Message => texts(&[
                ("65 bytes", &long),
                ("22 characters of 3 bytes", &"\u{4e2d}".repeat(22)),
                ("a line feed", "a\nb"),
                ("a control character", "a\u{1}b"),
                ("a control character above 127", "a\u{85}b"),
            ]),
            NewId => texts(&[("65 bytes", &long), ("a space", "a b"), ("a comma", "a,b"), ("a line feed", "a\nb"), ("no ASCII", "\u{e4}")]),
            DataCenter => texts(&[("unknown", "mars")]),
            Text(most) => texts(&[("a byte too long", &"x".repeat(most + 1)), ("too long in bytes only", &"\u{4e2d}".repeat(most / 3 + 1))]),
            AppName => texts(&[("there, but empty", ""), ("one character", "x"), ("17 characters", &"\u{4e2d}".repeat(17)), ("a line feed", "a\nb")]),
            Url => texts(&[
                ("another scheme", "ftp://a.example/"),
                ("no scheme", "a.example/cb"),
                ("no host", "http:///cb"),
                ("a private address", "http://10.0.0.1/cb"),
                ("a port", "http://a.example:81/cb"),
                ("a header's end", "http://a.example/\r\nX: y"),
            ]),
            Flag => texts(&[("a word", "maybe"), ("a number", "1")]),
            Int(from, to) => {
                let (below, above) = (i128::from(from) - 1, i128::from(to) + 1);
                texts(&[
                    ("a word", "x"),
                    ("a fraction", "1.5"),
                    ("a space before it", " 1"),
                    ("far above all integers", "99999999999999999999"),
                    ("below the range", &below.to_string()),
                    ("above the range", &above.to_string()),
                ])
            }
            Ids(most) | NewIds(most) => {
                let mut bad: Vec<_> = self.lists(&users(most + 1)).into_iter().map(|pairs| ("too many", pairs)).collect();
                bad.extend(texts(&[("65 bytes", &long), ("an empty item", "a,,b"), ("no JSON", "[\"a\""), ("JSON of something else", "[1]")]));
                bad.push(("a control character", self.numbered(["a", "a\u{1}b"])));
                bad.push(("an index of 0", vec![(format!("{}.0", self.name), "a".into())]));
                bad.push(("two encodings", [self.is("a"), self.numbered(["b"])].concat()));
                if matches!(self.kind, NewIds(_)) {
                    bad.extend([("a space", self.numbered(["a b"])), ("a comma", self.numbered(["a,b"])), ("no ASCII", self.is("\u{e4}"))]);
                }
                bad
            }
        }
    }

    /// All that is wrong about this parameter alone.
    fn bad(&self, operation: &Operation, other: &App) -> Vec<Bad> {
        let mut all = Vec::new();
        let mut add = |what, pairs, status, code: &str, names: &str| {
            all.push(Bad { what, pairs, status, code: code.into(), names: names.into() });
        };
        let missing = match self.need {
            Required => format!("Missing{}", self.name),
            Demanded => "InputInvalid".into(),
            Optional => String::new(),
        };
        if self.need != Optional {
            add("absent", vec![], 400, &missing, self.name);
            add("empty", self.is(""), 400, &missing, self.name);
            if matches!(self.kind, Ids(_)) {
                add("an empty array", self.is("[]"), 400, &missing, self.name);
            }
        }
        let illegal = if matches!(self.kind, Url | AppName) { format!("ErrorInvalid{}", self.name) } else { "InputInvalid".into() };
        for (what, pairs) in self.illegal() {
            add(what, pairs, 400, &illegal, self.name);
        }
        let has_app = operation.params.iter().any(|p| p.kind == AppId);
        match self.kind {
            AppId => {
                add("unknown", self.is("no-such-app"), 404, "ResourceNotExist", "no-such-app");
                if let Some(there) = operation.params.iter().find(|p| matches!(p.kind, Group | LiveGroup | Online | Message)) {
                    add("another application's", self.is(&*other.id), 404, "ResourceNotExist", there.usual);
                }
            }
            DataCenter if has_app => add("another one", self.is("ap-southeast-1"), 404, "ResourceNotExist", "ap-southeast-1"),
            Group | LiveGroup | Online | Message => add("unknown", self.is("nobody knows"), 404, "ResourceNotExist", "nobody knows"),
            _ => (),
        }
        if self.kind == LiveGroup {
            add("deleted", self.is("gone"), 404, "ResourceNotExist", "gone");
        }
        all
    }

    /// Values at the edge of what is allowed.
    fn legal(&self) -> Vec<Pairs> {
        let mut all: Vec<Pairs> = match self.kind {
            AppId => vec![],
            Id | Group | LiveGroup | Online | Message => vec![self.is("x".repeat(64)), self.is("gr\u{fc}ppe 1,2 *~")],
            NewId => vec![self.is("aZ0_-".repeat(12) + "aZ0_")],
            DataCenter => vec![self.is("cn-shanghai")],
            Text(most) => vec![self.is("x".repeat(most)), self.is("\u{4e2d}".repeat(most / 3))],
            AppName => vec![self.is("ab"), self.is("\u{4e2d}".repeat(16))],
            Url => vec![self.is("https://a.example/cb?x=1"), self.is("http://127.0.0.1:9/cb")],
            // True waits for an answer of the receiver.
            Flag if self.name == "HighReliability" => vec![self.is("False"), self.is("FALSE")],
            Flag => vec![self.is("False"), self.is("TRUE"), self.is("false")],
            Int(from, to) => vec![self.is(from.to_string()), self.is(to.to_string())],
            Ids(most) | NewIds(most) => self.lists(&(0..most).map(|n| format!("{:x<64}", format!("u{n}-"))).collect::<Vec<_>>()),
        };
        if self.need == Optional {
            all.push(vec![]);
        }
        if self.need == Optional && self.kind != AppName {
            all.push(self.is(""));
        }
        all
    }
}

#[test]
fn the_table_above_is_the_servers_own() {
    let required = |o: &Operation| o.params.iter().filter(|p| p.need == Required).map(|p| p.name).collect();
    let ours: BTreeMap<&str, Vec<&str>> = operations().iter().map(|o| (o.name, required(o))).collect();
    let served: BTreeMap<&str, Vec<&str>> = OPERATIONS.iter().map(|o| (o.name, o.required.to_vec())).collect();
    assert_eq!(ours, served, "operations, and what each cannot do without");
    assert_eq!((ours.len(), OPERATIONS.len()), (29, 29));
}

#[test]
fn what_is_wrong_with_a_parameter_is_told_by_its_name_and_changes_nothing() {
    let town = Town::new();
    let store = town.world.sql();
    let before = dump(&store);
    let mut tried = 0;
    for operation in &operations() {
        for param in &operation.params {
            for bad in param.bad(operation, &town.other) {
                let answer = town.call(operation, param, &bad.pairs);
                let case = format!("{} {}: {}: {}", operation.name, param.name, bad.what, answer.body);
                assert_eq!(answer.error(), (bad.status, &*bad.code), "{case}");
                let message = answer.body["Message"].as_str().unwrap_or_default();
                let named = if bad.status == 404 { message.contains(&bad.names) } else { message.starts_with(&bad.names) };
                assert!(named, "{} is not named by {case}", bad.names);
                let after = dump(&store);
                for (table, rows) in &before {
                    assert_eq!(rows, &after[table], "table {table} was changed by {case}");
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 800, "only {tried} cases were made");
}

#[test]
fn under_another_applications_id_nothing_is_seen_and_nothing_changes() {
    let town = Town::new();
    let store = town.world.sql();
    let before = dump(&store);
    for (action, params, field, seen) in [
        ("DeleteLiveMessageGroup", vec![("GroupId", "g1")], "GroupId", json!("g1")),
        ("CheckLiveMessageUsersOnline", vec![("UserIds", "u1")], "UserList", json!([{"UserId": "u1", "Online": false}])),
        ("ListLiveMessageGroups", vec![("SortType", "1")], "GroupList", json!([])),
        ("ListLiveMessageGroupByPage", vec![("SortType", "1")], "GroupList", json!([])),
    ] {
        let answer = town.world.api().ok(action, &[&[("AppId", &*town.other.id)], &params[..]].concat());
        assert_eq!(answer[field], seen, "{action}: {answer}");
    }
    assert_eq!(dump(&store), before);
}

#[test]
fn parameters_that_contradict_each_other_are_refused() {
    let town = Town::new();
    let app = ("AppId", &*town.world.app.id);
    let mutes = [app, ("GroupId", "g1")];
    let listing = [app, ("GroupId", "g1"), ("SortType", "1"), ("PageSize", "10")];
    for (action, params, code) in [
        ("CreateLiveMessageApp", vec![("AuditType", "2")], "ErrorInvalidAuditUrl"),
        ("CreateLiveMessageApp", vec![("AuditType", "2"), ("AuditUrl", "")], "ErrorInvalidAuditUrl"),
        ("ModifyLiveMessageAppAudit", vec![app, ("AuditType", "2")], "ErrorInvalidAuditUrl"),
        ("ListLiveMessageGroupMessages", [&listing[..], &[("BeginTime", "2"), ("EndTime", "1")]].concat(), "InputInvalid"),
        ("ModifyLiveMessageGroupBand", [&mutes[..], &[("BannnedUsers", "a"), ("BannedUsers", "b")]].concat(), "InputInvalid"),
        ("ModifyLiveMessageGroupBand", [&mutes[..], &[("BannedUsers.0", "a")]].concat(), "InputInvalid"),
    ] {
        let answer = town.world.api().call(action, &params).v3();
        assert_eq!(answer.error(), (400, code), "{action} {params:?}");
        let message = answer.body["Message"].as_str().unwrap_or_default();
        assert!(["AuditUrl", "BeginTime", "BannnedUsers", "BannedUsers"].iter().any(|name| message.starts_with(name)), "{action}: {message}");
    }
}

#[test]
fn a_message_to_a_group_in_which_nobody_is_finds_nobody() {
    let town = Town::new();
    let app = ("AppId", &*town.world.app.id);
    let answer = town.world.api().call("SendLiveMessageGroup", &[app, ("GroupId", "empty"), ("SenderId", "s"), ("Body", "hi")]).v3();
    assert_eq!(answer.error(), (404, "ResourceNotExist"));
    assert!(answer.body["Message"].as_str().is_some_and(|message| message.contains("empty")), "the group is named: {}", answer.body);
}

#[test]
fn what_is_just_still_legal_is_let_through() {
    for operation in &operations() {
        let town = Town::new();
        for param in &operation.params {
            // What is kicked or deleted once is not there to be it again.
            let may_be_gone = matches!(param.kind, Id | Group | LiveGroup | Online | Message)
                || matches!(operation.name, "KickLiveMessageGroupUser" | "RecoverLiveMessageDeletedGroup" | "DeleteLiveMessageUserMessage");
            for pairs in param.legal() {
                let answer = town.call(operation, param, &pairs);
                let gone = may_be_gone && answer.error() == (404, "ResourceNotExist");
                assert!(answer.status == 200 || gone, "{} {:.200}: {}", operation.name, format!("{pairs:?}"), answer.body);
            }
        }
    }
}
