//! Tables of good and bad calls, and the README's table.

use super::*;
use crate::domain::participant::Media;
use crate::domain::{Tid, UserId, message::Draft};

fn ids(text: &str) -> Vec<UserId> {
    text.split_whitespace().map(UserId::trusted).collect()
}

fn in_g(what: GroupRequest) -> Meaning {
    Meaning::Group(GroupId::trusted("g"), Box::new(what))
}

fn in_c(channel: &str, doing: Doing) -> Meaning {
    Meaning::Channel(ChannelId::trusted(channel), doing)
}

fn medias(medias: &[Media]) -> Medias {
    medias.iter().copied().collect()
}

#[test]
fn every_method_says_what_it_means() {
    use GroupRequest::*;
    let members = |ascending, after, limit| in_g(Members(MemberPage { ascending, after, limit }));
    let all = MessagePage { ascending: true, kind: None, begin: None, end: None, after: None, limit: 50 };
    let direct = |draft| Meaning::Direct(Box::new(DirectDraft { receiver: UserId::trusted("u 2"), draft, reliable: false, chat: None }));
    let said = |text| Draft { no_storage: true, ..Draft::text(text) };
    for (name, data, expected) in [
        ("group.create", r#"{"group_id":"g"}"#, in_g(Create(Box::default()))),
        (
            "group.create",
            r#"{"group_id":"g","name":"n","info":"i","admins":["a-1","a2","a-1"],"creator":"else"}"#,
            in_g(Create(Box::new(NewGroup {
                name: "n".into(),
                info: "i".into(),
                admins: vec![UserId::trusted("a-1"), UserId::trusted("a2")],
                ..NewGroup::default()
            }))),
        ),
        ("group.query", r#"{"group_id":"g"}"#, in_g(Describe)),
        ("group.close", r#"{"group_id":"g"}"#, in_g(Delete)),
        ("group.modify", r#"{"group_id":"g"}"#, in_g(Modify(Box::default()))),
        (
            "group.modify",
            r#"{"group_id":"g","info":"","admins":[]}"#,
            in_g(Modify(Box::new(GroupChange { info: Some(String::new()), admins: Some(vec![]), ..GroupChange::default() }))),
        ),
        ("group.users", r#"{"group_id":"g"}"#, members(true, None, 50)),
        ("group.users", r#"{"group_id":"g","page_token":0,"page_size":null,"sort":1}"#, members(true, None, 50)),
        ("group.users", r#"{"group_id":"g","page_token":7,"page_size":1,"sort":2}"#, members(false, Some(7), 1)),
        ("group.users", r#"{"group_id":"g","page_size":50,"sort":"asc"}"#, members(true, None, 50)),
        ("group.mute", r#"{"group_id":"g","users":["a","b"]}"#, in_g(ChangeMutes(MuteChange::Mute(ids("a b"))))),
        ("group.unmute", r#"{"group_id":"g","users":["a"]}"#, in_g(ChangeMutes(MuteChange::Unmute(ids("a"))))),
        ("group.mute_all", r#"{"group_id":"g"}"#, in_g(ChangeMutes(MuteChange::MuteAll { except: vec![] }))),
        ("group.mute_all", r#"{"group_id":"g","except":["a"]}"#, in_g(ChangeMutes(MuteChange::MuteAll { except: ids("a") }))),
        ("group.unmute_all", r#"{"group_id":"g"}"#, in_g(ChangeMutes(MuteChange::UnmuteAll))),
        ("group.mutes", r#"{"group_id":"g"}"#, in_g(Mutes)),
        ("group.quit", r#"{"group_id":"g"}"#, in_g(Quit)),
        ("group.kick", r#"{"group_id":"g","user":"u1"}"#, in_g(Kick { user: UserId::trusted("u1") })),
        ("group.messages", r#"{"group_id":"g"}"#, in_g(Messages(all.clone()))),
        (
            "group.messages",
            r#"{"group_id":"g","type":-1,"begin":1767225600,"end":1767225600,"page_token":9,"page_size":10,"sort":"desc"}"#,
            in_g(Messages(MessagePage {
                ascending: false,
                kind: Some(-1),
                begin: Some(Millis(1_767_225_600_000)),
                end: Some(Millis(1_767_225_600_999)),
                after: Some(9),
                limit: 10,
            })),
        ),
        (
            "group.messages",
            r#"{"group_id":"g","begin":99999999999,"end":100000000000000}"#,
            in_g(Messages(MessagePage { begin: Some(Millis(99_999_999_999_000)), end: Some(Millis(100_000_000_000_000)), ..all.clone() })),
        ),
        ("group.messages", r#"{"group_id":"g","begin":1767225600123,"end":0}"#, in_g(Messages(MessagePage { begin: Some(Millis(1_767_225_600_123)), ..all }))),
        ("message.delete", r#"{"group_id":"g","tid":"t"}"#, in_g(DeleteMessage { tid: Tid::trusted("t"), by: Deleter::default() })),
        ("user.send", r#"{"user":"u 2","body":"hi"}"#, direct(said("hi"))),
        (
            "user.send",
            r#"{"user":"u 2","body":{"a": 1},"type":7,"level":"HIGH","tid":"t","increase":"ignored"}"#,
            direct(Draft { kind: 7, weight: 1_000_000, tid: Some(Tid::trusted("t")), ..said("{\"a\":1}") }),
        ),
        ("rtc.publish", r#"{"channel":"rtc:c 1","medias":["screen","audio","audio"]}"#, in_c("c 1", Doing::Publish(medias(&[Media::Audio, Media::Screen])))),
        ("rtc.publish", r#"{"channel":"rtc","medias":["video"]}"#, in_c("rtc", Doing::Publish(medias(&[Media::Video])))),
        ("rtc.unpublish", r#"{"channel":"rtc:rtc:c","medias":["video"]}"#, in_c("rtc:c", Doing::Unpublish(medias(&[Media::Video])))),
        ("rtc.role", r#"{"channel":"rtc:c","role":1}"#, in_c("c", Doing::Role(Role::Streamer))),
        ("rtc.role", r#"{"channel":"c","role":2}"#, in_c("c", Doing::Role(Role::Viewer))),
        ("session.logoff", "null", Meaning::Logoff),
        ("session.logoff", "\"bye\"", Meaning::Logoff),
    ] {
        assert_eq!(read(name, data, &Quotas::default()), Ok(expected), "{name} {data}");
    }
}

/// The field that the error names.
fn refused(name: &str, data: &str, quotas: &Quotas) -> String {
    match read(name, data, quotas) {
        Err(Error { code: 107, message, .. }) => message.split(' ').next().unwrap().to_owned(),
        other => panic!("{name} {data}: {other:?}"),
    }
}

/// Good values of all fields, by which each method can be called.
const GOOD: &[(&str, &str)] = &[
    ("group_id", "\"g\""),
    ("user", "\"u\""),
    ("users", "[\"u\"]"),
    ("tid", "\"t\""),
    ("body", "\"b\""),
    ("name", "\"n\""),
    ("info", "\"i\""),
    ("admins", "[]"),
    ("except", "[]"),
    ("type", "1"),
    ("level", "\"HIGH\""),
    ("begin", "1"),
    ("end", "2"),
    ("page_token", "1"),
    ("page_size", "1"),
    ("sort", "1"),
    ("channel", "\"rtc:c\""),
    ("medias", "[\"audio\"]"),
    ("role", "1"),
];

/// Data of `fields`, with `other` in the place of one.
fn data(fields: &[&str], other: (&str, &str)) -> String {
    let value = |name: &str| if name == other.0 { other.1 } else { GOOD.iter().find(|(n, _)| *n == name).expect("a field of the table").1 };
    let fields: Vec<String> = fields.iter().map(|name| format!("\"{name}\":{}", value(name))).collect();
    format!("{{{}}}", fields.join(","))
}

#[test]
fn each_field_of_each_method_is_tried_missing_and_wrong() {
    let quotas = Quotas::default();
    for method in METHODS.iter().filter(|method| !method.takes.is_empty()) {
        let takes: Vec<&str> = method.takes.split(", ").collect();
        let names: Vec<&str> = takes.iter().map(|name| name.trim_end_matches('?')).collect();
        assert!(read(method.name, &data(&names, ("", "")), &quotas).is_ok(), "{}", method.name);
        for (takes, name) in takes.iter().zip(&names) {
            let absent = read(method.name, &data(&names, (name, "null")), &quotas);
            match takes.ends_with('?') {
                true => assert!(absent.is_ok(), "{} without {name}: {absent:?}", method.name),
                false => assert_eq!(refused(method.name, &data(&names, (name, "null")), &quotas), *name, "{}", method.name),
            }
            // A body may be any JSON; all the others have one type.
            for wrong in ["{}", "true", "1.5", "[1]"].iter().filter(|_| *name != "body") {
                assert_eq!(refused(method.name, &data(&names, (name, wrong)), &quotas), *name, "{} {name} {wrong}", method.name);
            }
        }
        for wrong in ["[]", "\"x\"", "1"] {
            assert_eq!(refused(method.name, wrong, &quotas), "data", "{}", method.name);
        }
    }
}

#[test]
fn values_out_of_bounds_are_refused_by_name() {
    let long = format!("\"{}\"", "x".repeat(65));
    let users = |n: usize| format!("[{}]", vec!["\"u\""; n].join(","));
    let text = |n: usize| format!("\"{}\"", "x".repeat(n));
    for (name, field, value) in [
        ("group.create", "group_id", "\"\"".into()),
        ("group.create", "group_id", "\"a b\"".into()),
        ("group.create", "group_id", "\"ä\"".into()),
        ("group.create", "group_id", long.clone()),
        ("group.create", "name", text(129)),
        ("group.create", "info", text(32_769)),
        ("group.create", "admins", users(4)),
        ("group.create", "admins", "[\"\"]".into()),
        ("group.modify", "info", text(32_769)),
        ("group.modify", "admins", users(4)),
        ("group.query", "group_id", "\"\"".into()),
        ("group.query", "group_id", "\"a\\nb\"".into()),
        ("group.query", "group_id", long.clone()),
        ("group.users", "page_size", "0".into()),
        ("group.users", "page_size", "51".into()),
        ("group.users", "page_size", "99999999999999999999".into()),
        ("group.users", "page_token", "-1".into()),
        ("group.users", "sort", "0".into()),
        ("group.users", "sort", "3".into()),
        ("group.users", "sort", "\"up\"".into()),
        ("group.mute", "users", users(31)),
        ("group.unmute", "users", format!("[{long}]")),
        ("group.mute_all", "except", users(31)),
        ("group.kick", "user", "\"\"".into()),
        ("group.messages", "type", "2147483648".into()),
        ("group.messages", "begin", "-1".into()),
        ("group.messages", "begin", "3".into()),
        ("group.messages", "page_size", "51".into()),
        ("message.delete", "tid", "\"\"".into()),
        ("message.delete", "tid", long.clone()),
        ("user.send", "user", long),
        ("user.send", "level", "\"LOUD\"".into()),
        ("user.send", "type", "-2147483649".into()),
        ("rtc.publish", "channel", "\"rtc:\"".into()),
        ("rtc.publish", "medias", "[]".into()),
        ("rtc.publish", "medias", "[\"Audio\"]".into()),
        ("rtc.unpublish", "medias", "[\"audio\",\"\"]".into()),
        ("rtc.role", "role", "0".into()),
        ("rtc.role", "role", "3".into()),
        ("rtc.role", "channel", format!("\"rtc:{}\"", "x".repeat(65))),
    ] {
        let method = METHODS.iter().find(|method| method.name == name).unwrap();
        let names: Vec<&str> = method.takes.split(", ").map(|name| name.trim_end_matches('?')).collect();
        assert_eq!(refused(name, &data(&names, (field, &value)), &Quotas::default()), field, "{name} {field} {value}");
    }
    assert_eq!(refused("user.send", &format!("{{\"user\":\"u\",\"body\":{}}}", text(15_361)), &Quotas::default()), "body");
}

#[test]
fn limits_that_are_off_still_bound_a_page() {
    let off = Quotas { page_size: 0, users_per_mute: 0, group_name_bytes: 0, ..Quotas::default() };
    let huge = Quotas { page_size: 1_000_000, ..Quotas::default() };
    for quotas in [&off, &huge] {
        let whole = in_g(GroupRequest::Members(MemberPage { ascending: true, after: None, limit: 100 }));
        assert_eq!(read("group.users", "{\"group_id\":\"g\"}", quotas), Ok(whole));
        assert_eq!(refused("group.users", "{\"group_id\":\"g\",\"page_size\":101}", quotas), "page_size");
    }
    let names: Vec<String> = (0..40).map(|n| format!("\"u{n}\"")).collect();
    assert!(read("group.mute", &format!("{{\"group_id\":\"g\",\"users\":[{}]}}", names.join(",")), &off).is_ok());
    assert!(read("group.create", &format!("{{\"group_id\":\"g\",\"name\":\"{}\"}}", "x".repeat(500)), &off).is_ok());
}

#[test]
fn an_unknown_method_is_named() {
    for name in ["", "group", "group.Create", "rtc"] {
        let error = read(name, "{}", &Quotas::default()).unwrap_err();
        assert_eq!((error.code, error.message), (104, format!("method {name:?} not found")));
    }
}

#[test]
fn who_joins_without_a_role_is_a_viewer() {
    for (data, expected) in [
        (None, Some(Role::Viewer)),
        (Some("{}"), Some(Role::Viewer)),
        (Some("{\"role\":null}"), Some(Role::Viewer)),
        (Some("{\"role\":2,\"x\":1}"), Some(Role::Viewer)),
        (Some("{\"role\":1}"), Some(Role::Streamer)),
        (Some("{\"role\":0}"), None),
        (Some("{\"role\":\"1\"}"), None),
        (Some("[]"), None),
    ] {
        assert_eq!(joining_role(data).ok(), expected, "{data:?}");
    }
}

#[test]
fn a_send_confirms_at_most_a_hundred_ids() {
    let many: Vec<String> = (0..120).map(|n| format!("\"{n}\"")).collect();
    for (data, expected) in [
        ("{\"ack\":[\"a\",\"b\"],\"x\":1}".to_owned(), 2),
        ("{\"ack\":[]}".to_owned(), 0),
        ("{\"ack\":\"a\"}".to_owned(), 0),
        ("{\"ack\":[1]}".to_owned(), 0),
        ("{\"ack\":null}".to_owned(), 0),
        ("null".to_owned(), 0),
        ("7".to_owned(), 0),
        (format!("{{\"ack\":[\"\",\"a\",\"{}\"]}}", "x".repeat(65)), 1),
        (format!("{{\"ack\":[{}]}}", many.join(",")), 100),
    ] {
        assert_eq!(confirmed(&data).len(), expected, "{data}");
    }
}

#[test]
fn the_readme_s_table_lists_the_methods() {
    let rows: String = METHODS.iter().map(|m| format!("| `{}` | {} |\n", m.name, m.takes)).collect();
    crate::readme::has_table("rpc methods", &format!("| rpc method | its data; what has a `?` may be left out |\n| --- | --- |\n{rows}"));
}
