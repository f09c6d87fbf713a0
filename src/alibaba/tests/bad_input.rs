//! Each parameter of each operation: missing, empty, too long, of a wrong type, out of range, in a wrong
//! alphabet, of another application. The code is the documented one, the message names the parameter,
//! and nothing is changed.

use super::*;
use crate::alibaba::messaging::OPERATIONS;
use Kind::*;

/// What a parameter holds, and with it what it must not.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Refers to something: any id.
    Id,
    /// Names something new.
    NewId,
    /// So many bytes at most.
    Text(usize),
    Int(i64, i64),
    /// 32 bits.
    Int32,
    Flag,
    /// So many users that exist, or may.
    Users(usize),
    /// So many users that are named by it.
    NewUsers(usize),
}

impl Kind {
    fn bad(self) -> Vec<String> {
        let id = ["x".repeat(65), "a\u{7}b".into()];
        match self {
            Id => id.into(),
            NewId => [&id[..], &["a b", "a,b", "\u{4e2d}"].map(String::from)].concat(),
            Text(most) => vec!["x".repeat(most + 1)],
            Int(from, to) => {
                let beyond = [i128::from(from) - 1, i128::from(to) + 1].map(|n| n.to_string());
                [&beyond[..], &["x", "1.0", " 1", "99999999999999999999"].map(String::from)].concat()
            }
            Int32 => Int(i32::MIN.into(), i32::MAX.into()).bad(),
            Flag => ["maybe", "1", "yes"].map(String::from).into(),
            Users(most) => vec!["x,".repeat(most) + "x", id[0].clone() + ",a", "a,,b".into(), "[1]".into(), "[".into()],
            NewUsers(most) => vec!["x,".repeat(most) + "x", id[0].clone(), "a b".into(), "a,,b".into(), r#"["a,b"]"#.into(), "[1]".into()],
        }
    }

    fn good(self, name: &str) -> &'static str {
        match (name, self) {
            ("AppId", _) => "demo",
            ("GroupId", Id) => "g1",
            ("MessageId", _) => "t1",
            ("NextPageToken", _) => "1",
            (_, Id | NewId | Users(_) | NewUsers(_)) => "u1",
            (_, Text(_)) => "text",
            (_, Int(10, _)) => "10",
            (_, Int(..) | Int32) => "1",
            (_, Flag) => "True",
        }
    }
}

type Params<'a> = &'a [(&'a str, Kind)];
/// Operation, what it needs, what it may be given.
type Row<'a> = (&'a str, Params<'a>, Params<'a>);

const APP: (&str, Kind) = ("AppId", Id);
const GROUP: (&str, Kind) = ("GroupId", Id);
const SORT: (&str, Kind) = ("SortType", Int(1, 2));
const SIZE: (&str, Kind) = ("PageSize", Int(10, 50));
const TOKEN: (&str, Kind) = ("NextPageToken", Int(-1, i64::MAX));
const STATUS: (&str, Kind) = ("GroupStatus", Int(0, 2));
const BODY: (&str, Kind) = ("Body", Text(15 * 1024));
const EXCEPT: (&str, Kind) = ("ExceptUsers", Users(30));

/// Names and URLs of applications have codes of their own: those are further down.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("CreateLiveMessageApp", &[], &[("AuditType", Int(0, 2)), ("MsgLifeCycle", Int(0, 2))]),
    ("DescribeLiveMessageApp", &[APP], &[]),
    ("ListLiveMessageApps", &[SORT], &[TOKEN]),
    ("ModifyLiveMessageAppAudit", &[APP], &[("AuditType", Int(0, 2))]),
    ("ModifyLiveMessageAppCallback", &[APP], &[]),
    ("ModifyLiveMessageAppDisable", &[APP], &[("Disable", Flag)]),
    ("CreateLiveMessageGroup", &[APP, ("GroupId", NewId)],
        &[("GroupName", Text(128)), ("GroupInfo", Text(32 * 1024)), ("CreatorId", NewId), ("Administrators", NewUsers(3))]),
    ("ModifyLiveMessageGroup", &[APP, GROUP],
        &[("ModifyAdmin", Flag), ("AdminList", NewUsers(3)), ("ModifyInfo", Flag), ("GroupInfo", Text(32 * 1024))]),
    ("DescribeLiveMessageGroup", &[APP, GROUP], &[]),
    ("ListLiveMessageGroups", &[APP, SORT], &[STATUS, TOKEN]),
    ("ListLiveMessageGroupByPage", &[APP, SORT], &[STATUS, ("PageNumber", Int(1, 10_000)), ("PageSize", Int(1, 50))]),
    ("DeleteLiveMessageGroup", &[APP, GROUP], &[("OperatorId", Id)]),
    ("RecoverLiveMessageDeletedGroup", &[APP, GROUP], &[]),
    ("BanLiveMessageGroup", &[APP, GROUP], &[EXCEPT]),
    ("UnbanLiveMessageGroup", &[APP, GROUP], &[]),
    ("AddLiveMessageGroupBand", &[APP, GROUP, ("BannedUsers", Users(30))], &[]),
    ("RemoveLiveMessageGroupBand", &[APP, GROUP, ("UnbannedUsers", Users(30))], &[]),
    ("ModifyLiveMessageGroupBand", &[APP, GROUP], &[("BannedAll", Flag), ("BannnedUsers", Users(30)), EXCEPT]),
    ("DescribeLiveMessageGroupBand", &[APP, GROUP], &[]),
    ("KickLiveMessageGroupUser", &[APP, GROUP, ("KickoffUser", Id)], &[]),
    ("ListLiveMessageGroupUsers", &[APP, GROUP, SORT, SIZE], &[TOKEN]),
    ("CheckLiveMessageUsersInGroup", &[APP, GROUP, ("UserIds", Users(100))], &[]),
    ("CheckLiveMessageUsersOnline", &[APP, ("UserIds", Users(100))], &[]),
    ("ModifyLiveMessageUserInfo", &[APP, ("UserId", Id)], &[("UserMetaInfo", Text(512))]),
    ("SendLiveMessageGroup", &[APP, GROUP, ("SenderId", Id)],
        &[("SenderMetaInfo", Text(512)), BODY, ("MsgType", Int32), ("MsgTid", Id), ("StaticsIncrease", Int32), ("Weight", Int32), ("NoStorage", Flag), ("NoCache", Flag)]),
    ("ListLiveMessageGroupMessages", &[APP, GROUP, SORT, SIZE],
        &[TOKEN, ("BeginTime", Int(0, i64::MAX)), ("EndTime", Int(0, i64::MAX)), ("MsgType", Int32)]),
    ("DeleteLiveMessageGroupMessage", &[APP, GROUP, ("MessageId", Id)], &[("DeleterId", Id), ("DeleterInfo", Text(512))]),
    ("SendLiveMessageUser", &[APP, ("SenderId", Id), ("ReceiverId", Id)],
        &[("SenderInfo", Text(512)), BODY, ("MsgType", Int32), ("MsgTid", Id), ("Storage", Flag), ("HighReliability", Flag)]),
    ("DeleteLiveMessageUserMessage", &[APP, ("MessageId", Id), ("ReceiverId", Id)], &[("DeleterId", Id), ("DeleterInfo", Text(512))]),
];

/// Everything that the good values name: `g1` with `u1` in it, and a message `t1` in it and to `u1`.
fn prepared() -> Server {
    let server = Server::new();
    server.fake.put(Change::App(Arc::new(fake::app("other"))));
    server.group("g1");
    server.group("empty");
    server.fake.join("demo", "u1", 1);
    let common = [("AppId", "demo"), ("SenderId", "s"), ("MsgTid", "t1")];
    for (action, to) in [("SendLiveMessageGroup", ("GroupId", "g1")), ("SendLiveMessageUser", ("ReceiverId", "u1"))] {
        assert_eq!(server.call(action, &[&common[..], &[to]].concat()).0, 200);
    }
    server
}

fn good<'a>(params: Params<'a>) -> Vec<(&'a str, &'a str)> {
    params.iter().map(|(name, kind)| (*name, kind.good(name))).collect()
}

/// The call with this parameter as told; `None` leaves it out.
fn with<'a>(params: &[(&'a str, &'a str)], name: &'a str, value: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let others = params.iter().copied().filter(|(n, _)| *n != name);
    others.chain(value.map(|value| (name, value))).collect()
}

#[test]
fn the_table_has_every_operation() {
    let listed: Vec<_> = TABLE.iter().map(|(action, needed, _)| (*action, needed.iter().map(|(name, _)| *name).collect::<Vec<_>>())).collect();
    let served: Vec<_> = OPERATIONS.iter().map(|operation| (operation.name, operation.required.to_vec())).collect();
    assert_eq!(listed, served);
}

#[test]
fn good_values_are_taken_and_empty_ones_are_absent() {
    for (action, needed, more) in TABLE {
        let all = [good(needed), good(more)].concat();
        assert_eq!(prepared().call(action, &all).0, 200, "{action} {all:?}");
        for (name, _) in more.iter().filter(|p| (*action, p.0) != ("DeleteLiveMessageUserMessage", "DeleterId")) {
            let params = with(&all, name, Some(""));
            assert_eq!(prepared().call(action, &params).0, 200, "{action} {params:?}");
        }
    }
}

#[test]
fn bad_values_are_named_and_change_nothing() {
    for (action, needed, more) in TABLE {
        let server = prepared();
        let before = server.fake.snapshot();
        let all = [good(needed), good(more)].concat();
        let refused = |name: &str, params: &[(&str, &str)], expected: &str| {
            let answer = server.call(action, params);
            assert_eq!(code(&answer), (400, expected), "{action} {name} {:.200}", format!("{params:?}"));
            assert!(answer.1["Message"].as_str().unwrap().starts_with(name), "{answer:?}");
        };
        for (name, _) in *needed {
            for absent in [None, Some("")] {
                refused(name, &with(&all, name, absent), &format!("Missing{name}"));
            }
        }
        for (name, kind) in needed.iter().chain(*more) {
            for bad in kind.bad() {
                refused(name, &with(&all, name, Some(&bad)), "InputInvalid");
            }
        }
        refused("DataCenter", &with(&all, "DataCenter", Some("mars")), "InputInvalid");
        assert!(server.fake.snapshot() == before, "{action} changed something");
    }
}

#[test]
fn what_another_application_has_does_not_exist() {
    for (action, needed, more) in TABLE.iter().filter(|row| row.1.contains(&APP)) {
        let server = prepared();
        let before = server.fake.snapshot();
        let all = [good(needed), good(more)].concat();
        let elsewhere = [with(&all, "AppId", Some("none")), with(&all, "DataCenter", Some("ap-southeast-1"))];
        for params in elsewhere {
            assert_eq!(code(&server.call(action, &params)), (404, "ResourceNotExist"), "{action}");
        }
        let expected = match *action {
            // These look at the application itself, or make something in it.
            name if name.contains("MessageApp") || name == "CreateLiveMessageGroup" => continue,
            // To delete what is not there succeeds; of the others there is nothing to find.
            "DeleteLiveMessageGroup" | "CheckLiveMessageUsersOnline" | "ListLiveMessageGroups" | "ListLiveMessageGroupByPage" => (200, ""),
            _ => (404, "ResourceNotExist"),
        };
        let answer = server.call(action, &with(&all, "AppId", Some("other")));
        assert_eq!(code(&answer), expected, "{action} {answer:?}");
        assert!(!answer.1.to_string().contains("\"Online\":true") && answer.1["GroupList"].as_array().is_none_or(Vec::is_empty), "{answer:?}");
        assert!(server.fake.snapshot() == before, "{action} changed something");
    }
}

/// Operation, what every case of it needs, what this case adds, and the code expected.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)], &'a str);

#[test]
fn what_else_is_illegal_is_named() {
    let server = prepared();
    let group: &[(&str, &str)] = &[("AppId", "demo"), ("GroupId", "g1")];
    let page = [group, &[("SortType", "1"), ("PageSize", "10")]].concat();
    #[rustfmt::skip]
    let cases: &[Case] = &[
        ("CreateLiveMessageApp", &[], &[("AppName", "x")], "ErrorInvalidAppName"),
        ("CreateLiveMessageApp", &[], &[("AppName", "")], "ErrorInvalidAppName"),
        ("CreateLiveMessageApp", &[], &[("AppName", &"\u{4e2d}".repeat(17))], "ErrorInvalidAppName"),
        ("CreateLiveMessageApp", &[], &[("AuditType", "2")], "ErrorInvalidAuditUrl"),
        ("CreateLiveMessageApp", &[], &[("AuditUrl", "file:///etc/passwd")], "ErrorInvalidAuditUrl"),
        ("CreateLiveMessageApp", &[], &[("EventCallbackUrl", "cb.example.com")], "ErrorInvalidEventCallbackUrl"),
        ("CreateLiveMessageApp", &[], &[("EventCallbackUrl", "http://a/\r\nX: y")], "ErrorInvalidEventCallbackUrl"),
        ("ModifyLiveMessageAppAudit", &[("AppId", "demo")], &[("AuditUrl", "x")], "ErrorInvalidAuditUrl"),
        ("ModifyLiveMessageAppCallback", &[("AppId", "demo")], &[("EventCallbackUrl", "x")], "ErrorInvalidEventCallbackUrl"),
        ("ListLiveMessageGroupMessages", &page, &[("BeginTime", "2"), ("EndTime", "1")], "InputInvalid"),
        ("CheckLiveMessageUsersOnline", &[("AppId", "demo")], &[("UserIds", "[]")], "MissingUserIds"),
        ("CheckLiveMessageUsersInGroup", group, &[("UserIds", "[]")], "MissingUserIds"),
        ("AddLiveMessageGroupBand", group, &[("BannedUsers", "[]")], "MissingBannedUsers"),
        ("AddLiveMessageGroupBand", group, &[("BannedUsers", "a"), ("BannedUsers.1", "b")], "InputInvalid"),
        ("ModifyLiveMessageGroupBand", group, &[("BannnedUsers", "a"), ("BannedUsers", "b")], "InputInvalid"),
        ("ModifyLiveMessageGroupBand", group, &[("BannedUsers.0", "a")], "InputInvalid"),
        ("SendLiveMessageGroup", &[("AppId", "demo"), ("SenderId", "s")], &[("GroupId", "empty")], "ResourceNotExist"), // nobody is in it
        ("SendLiveMessageUser", &[("AppId", "demo"), ("SenderId", "s")], &[("ReceiverId", "offline")], "ResourceNotExist"),
    ];
    let before = server.fake.snapshot();
    for (action, params, more, expected) in cases {
        let answer = server.call(action, &[*params, more].concat());
        let status = if *expected == "ResourceNotExist" { 404 } else { 400 };
        assert_eq!(code(&answer), (status, *expected), "{action} {params:?} {:.80}", format!("{more:?}"));
        if *expected != "ResourceNotExist" {
            let name = more[0].0.split('.').next().unwrap();
            assert!(answer.1["Message"].as_str().unwrap().contains(name) || *expected == "ErrorInvalidAuditUrl", "{answer:?}");
        }
    }
    assert!(server.fake.snapshot() == before, "an illegal call changed something");
}
