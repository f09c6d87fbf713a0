//! Who is let in, in which order that is looked at, and the two envelopes (`tencent.md` §1, §2.4).

use super::*;
use crate::domain::AppId;
use crate::domain::app::AppChange;
use crate::domain::ask::Ask;
use crate::domain::request::Request;

const GET: &str = "live_config/get_callback";
/// The code of who is let in by `GET`.
const IN: u64 = 100301;

#[test]
fn the_first_thing_that_is_wrong_is_told() {
    let server = Server::new();
    server.app(App { sdkappid: 7, key: "otherkey".into(), ..fake::app("other") });
    server.app(App { sdkappid: 8, disabled: true, ..fake::app("off") });
    let q = || server.query();
    let sig = |sdkappid, key, user, made| server.usersig(sdkappid, key, user, made);
    let good: &[u8] = b"{}";
    for (what, path, query, body, expected) in [
        ("all is well", GET, q(), good, IN),
        ("no path", "", q(), good, 60009),
        ("no command", "live_config", q(), good, 60009),
        ("too much of a path", "live_config/get_callback/x", q(), good, 60009),
        ("the document's misprint", "livee_config/get_callback", q().without("sdkappid"), good, 60009),
        ("an unknown command", "live_config/none", q().without("sdkappid"), good, 60009),
        ("of groups", "group_open_http_svc/none", q().without("sdkappid"), good, 10003),
        ("of groups, another service", "group_open_attr_http_svc/none", q(), good, 10003),
        ("of logins", "im_open_login_svc/none", q(), good, 60009),
        ("no number", GET, q().without("sdkappid").without("identifier"), good, 60012),
        ("an empty number", GET, q().with("sdkappid", ""), good, 60012),
        ("a word", GET, q().with("sdkappid", "demo").without("identifier"), good, 60006),
        ("a sign", GET, q().with("sdkappid", "+1400000001"), good, 60006),
        ("too large", GET, q().with("sdkappid", "5694967297"), good, 60006),
        ("unknown", GET, q().with("sdkappid", "9"), good, 60006),
        ("disabled", GET, q().with("sdkappid", "8").without("identifier"), good, 60016),
        ("nobody", GET, q().without("identifier").without("usersig"), good, 60004),
        ("nobody's name", GET, q().with("identifier", ""), good, 60004),
        ("no UserSig", GET, q().without("usersig"), good, 70002),
        ("an empty UserSig", GET, q().with("usersig", ""), good, 70002),
        ("expired", GET, q().with("usersig", sig(SDKAPPID, KEY, ADMINISTRATOR, -3_601)), good, 70001),
        ("in its last second", GET, q().with("usersig", sig(SDKAPPID, KEY, ADMINISTRATOR, -3_600)), good, IN),
        ("a user", GET, q().with("identifier", "ann").with("usersig", sig(SDKAPPID, KEY, "ann", 0)), b"{", 60010),
        ("no JSON", GET, q(), b"{", 60003),
        ("nothing", GET, q(), b"", 60003),
        ("no object", GET, q(), b"[]", 60003),
        ("no UTF-8", GET, q(), b"{\"Url\":\"\xff\"}", 60003),
        ("more than is asked for", GET, q().with("nettype", "0"), b"{\"X\":1}", IN),
        ("no random", GET, q().without("random").without("contenttype"), good, IN),
        ("a random that is none", GET, q().with("random", "x"), good, IN),
    ] {
        let answer = server.send(path, &query.text(), body);
        assert_eq!(code(&answer), expected, "{what}: {answer}");
    }
    for (what, query, expected) in [
        ("no base64", q().with("usersig", "!!"), 70003),
        ("another's key", q().with("usersig", sig(SDKAPPID, "nonsense", ADMINISTRATOR, 0)), 70009),
        ("another application's own", q().with("usersig", sig(7, "otherkey", ADMINISTRATOR, 0)), 70009),
        ("for another number", q().with("usersig", sig(7, KEY, ADMINISTRATOR, 0)), 70014),
        ("another user's", q().with("usersig", sig(SDKAPPID, KEY, "ann", 0)), 70013),
    ] {
        // Each of a server of its own, so that there are not too many.
        let server = Server { clock: server.clock.clone(), ..Server::new() };
        assert_eq!(code(&server.send(GET, &query.text(), b"{")), expected, "{what}");
    }
}

#[test]
fn a_request_is_a_post_that_can_be_decoded() {
    let server = Server::new();
    let query = server.query().text();
    for (method, path, query, expected) in [
        ("POST", GET, query.clone(), IN),
        ("GET", "nowhere", query.clone(), 60002),
        ("PUT", GET, query.clone(), 60002),
        ("POST", "nowhere/%zz", query.clone(), 60002),
        ("POST", "nowhere", format!("{query}&x=%zz"), 60002),
        ("POST", GET, format!("{query}&x=%ff"), 60002),
        ("POST", GET, format!("{query}&sdkappid={SDKAPPID}"), 60002),
        ("POST", GET, format!("&&{query}&x&y=a+b=c&"), IN),
        ("POST", GET, query.replace("sdkappid", "sdkAppId"), 60012),
        ("POST", GET, query.replace("sdkappid", "%73dkappid").replace("administrator", "%61dministrator"), IN),
        ("POST", "live%5fconfig/get_callback", query.clone(), IN),
    ] {
        let reply = server.raw(method, path, &query, b"{}");
        let answer = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(code(&answer), expected, "{method} {path} {query}: {answer}");
    }
}

#[test]
fn a_star_in_a_usersig_may_be_encoded() {
    let server = Server::new();
    let starred = (0..).map(|n| server.usersig(SDKAPPID, KEY, ADMINISTRATOR, -n)).find(|sig| sig.contains('*')).unwrap();
    let rest = server.query().without("usersig").text();
    for usersig in [starred.clone(), starred.replace('*', "%2A"), starred.replace('*', "%2a").replace('_', "%5F")] {
        assert_eq!(code(&server.send(GET, &format!("{rest}&usersig={usersig}"), b"{}")), IN, "{usersig}");
    }
}

#[test]
fn an_identifier_may_have_a_plus_or_a_blank() {
    let server = Server::new();
    server.app(App { administrators: vec!["a b+c".into()], ..fake::app("demo") });
    let query = server.query().with("usersig", server.usersig(SDKAPPID, KEY, "a b+c", 0)).without("identifier").text();
    for name in ["a+b%2Bc", "a%20b%2bc"] {
        assert_eq!(code(&server.send(GET, &format!("identifier={name}&{query}"), b"{}")), IN, "{name}");
    }
}

#[test]
fn the_two_envelopes() {
    let server = Server::new();
    let text = |path: &str, body: &str| String::from_utf8(server.raw("POST", path, &server.query().text(), body.as_bytes()).body).unwrap();
    server.account("ann");
    assert_eq!(text("im_open_login_svc/kick", r#"{"UserID":"ann"}"#), r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#);
    assert_eq!(
        text("group_open_http_svc/none", "{}"),
        r#"{"ActionStatus":"FAIL","ErrorInfo":"there is no command group_open_http_svc/none","ErrorCode":10003}"#
    );
    let info = text("group_open_http_svc/get_group_info", r#"{"GroupIdList":["none"],"ResponseFilter":{}}"#);
    assert!(info.starts_with(r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"GroupInfo":[{"#), "{info}");

    // The numbers count on: three calls came before, whose envelope shows none.
    let hex = |text: &str| text.len() == 32 && text.bytes().all(|b| b"0123456789abcdef".contains(&b));
    for (n, path, body, before, after) in [
        (4, "live_config/delete_callback", "{}", r#"{"ErrorCode":0,"ErrorInfo":"","ActionStatus":"OK","RequestId":"Id-"#, r#""}"#),
        (5, "live_none/none", "{}", r#"{"ErrorCode":60009,"ErrorInfo":"there is no command live_none/none","ActionStatus":"FAIL","RequestId":"Id-"#, r#""}"#),
        (
            6,
            "live_engine_http_srv/get_room_list",
            "{}",
            r#"{"ErrorCode":0,"ErrorInfo":"","ActionStatus":"OK","RequestId":"Id-"#,
            r#"","Response":{"Next":"","RoomList":[]}}"#,
        ),
        (
            7,
            "room_engine_http_srv/kick_user_out",
            r#"{"RoomId":"none","MemberList_Account":["a"]}"#,
            r#"{"ErrorCode":100004,"ErrorInfo":"group none does not exist","ActionStatus":"FAIL","RequestId":"Id-"#,
            r#""}"#,
        ),
    ] {
        let got = text(path, body);
        let id = got.strip_prefix(before).and_then(|rest| rest.strip_suffix(&format!("-O-Seq-{n}{after}"))).unwrap_or_else(|| panic!("{got}"));
        assert!(hex(id), "{got}");
    }
    let reply = server.raw("GET", "", "", b"");
    let header = |name: &str| reply.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((header("Content-Type"), header("Access-Control-Allow-Origin")), (Some("application/json"), Some("*")));
    assert_eq!((header("Access-Control-Allow-Headers"), header("Access-Control-Allow-Methods")), (Some("X-Requested-With"), Some("POST")));
}

#[test]
fn a_command_is_called_so_often_a_second() {
    let server = Server::with(Rules::default(), true);
    server.app(App { sdkappid: 7, ..fake::app("other") });
    let list = |query: Query| code(&server.send("live_engine_http_srv/get_room_list", &query.text(), b"{}"));
    let other = || server.query().with("sdkappid", "7").with("usersig", server.usersig(7, KEY, ADMINISTRATOR, 0));
    for n in 0..10 {
        assert_eq!(list(server.query()), 0, "call {n}");
    }
    assert_eq!(list(server.query()), 60007);
    assert_eq!(list(server.query().with("usersig", "!!")), 70003, "who is not let in is told so");
    assert_eq!(list(other()), 0, "another application");
    for n in 0..200 {
        assert_eq!(server.code(GET, json!({})), IN, "another command, call {n}");
    }
    assert_eq!(server.code(GET, json!({})), 60007);
    server.clock.advance(1_000).unwrap();
    assert_eq!(list(server.query()), 0);
    let unlimited = Server::new();
    for _ in 0..11 {
        assert_eq!(unlimited.live("get_room_list", json!({})), 0);
    }
}

#[test]
fn who_shows_wrong_usersigs_again_and_again_waits() {
    let server = Server::new();
    let show = |usersig: &str| code(&server.send(GET, &server.query().with("usersig", usersig).text(), b"{}"));
    let old = server.usersig(SDKAPPID, KEY, ADMINISTRATOR, -4_000);
    for _ in 0..10 {
        assert_eq!(show(&old), 70001, "an old one is no guess");
    }
    for _ in 0..5 {
        assert_eq!(show("!!"), 70003);
    }
    assert_eq!(show("!!"), 70050);
    assert_eq!(server.code(GET, json!({})), 70050, "also with a good one: the answer would tell which is one");
    assert_eq!(show(""), 70002, "nothing was shown");
    let elsewhere = RestRequest { method: "POST", path: GET, query: &server.query().text(), body: b"{}", peer: Ipv4Addr::new(10, 0, 0, 9).into() };
    assert_eq!(code(&serde_json::from_slice(&handle(&server.gateway, &elsewhere).body).unwrap()), IN);
    server.clock.advance(60_000).unwrap();
    assert_eq!(server.code(GET, json!({})), IN);
}

#[test]
fn who_is_turned_away_hears_what_to_do_and_nothing_of_others() {
    let server = Server::new();
    for (user, key, made, expected) in [
        ("ann", KEY, 0, "ann is no administrator of this application; roomd app show tells who is"),
        (ADMINISTRATOR, "another", 0, "roomd verify usersig explains it"),
        (ADMINISTRATOR, KEY, -4_000, "make a new one"),
    ] {
        let query = server.query().with("identifier", user).with("usersig", server.usersig(SDKAPPID, key, user, made));
        let info = server.send(GET, &query.text(), b"{}")["ErrorInfo"].as_str().unwrap().to_owned();
        assert!(info.ends_with(expected), "{expected}: {info}");
    }
}

#[test]
fn administrators_come_and_go() {
    let server = Server::new();
    let call =
        |user: &str| code(&server.send(GET, &server.query().with("identifier", user).with("usersig", server.usersig(SDKAPPID, KEY, user, 0)).text(), b"{}"));
    assert_eq!((call(ADMINISTRATOR), call("boss")), (IN, 60010));
    let app = fake::app("demo").id;
    server.fake.call(Request::ChangeApp { app, change: AppChange::Administrators(vec!["boss".into()]) }).unwrap();
    assert_eq!((call(ADMINISTRATOR), call("boss")), (60010, IN));
}

#[test]
fn who_may_not_call_learns_nothing_of_the_application() {
    let server = Server::new();
    server.app(App { id: AppId::trusted("secret-name"), sdkappid: 8, disabled: true, ..fake::app("off") });
    server.fake.call(Request::ChangeApp { app: fake::app("demo").id, change: AppChange::Administrators(vec!["boss".into()]) }).unwrap();
    let ann = server.query().with("identifier", "ann").with("usersig", server.usersig(SDKAPPID, KEY, "ann", 0));
    for (query, expected) in [(ann, 60010), (server.query().with("sdkappid", "8"), 60016)] {
        let answer = server.send(GET, &query.text(), b"{}");
        assert_eq!(code(&answer), expected);
        assert!(!answer.to_string().contains("boss") && !answer.to_string().contains("secret-name"), "{answer}");
    }
}

#[test]
fn who_was_kicked_needs_a_new_usersig() {
    // The stand-in for the server kicks at a time of its own.
    let at = 1_700_000_000 - Clock::standing().now().seconds();
    let server = Server::new();
    let show = |made: i64| {
        let usersig = usersig::make(SDKAPPID, KEY, &UserId::trusted(ADMINISTRATOR), 1_700_000_000 + made, i64::from(u32::MAX), None);
        code(&server.send(GET, &server.query().with("usersig", usersig).text(), b"{}"))
    };
    assert!(at < 0, "the clock is later");
    assert_eq!(show(0), IN);
    server.refuses("im_open_login_svc/kick", 70402, [json!({}), json!({"UserID": ""}), json!({"UserID": 1}), json!({"UserID": "x".repeat(65)})]);
    server.account("ann");
    assert_eq!(server.code("im_open_login_svc/kick", json!({"UserID": "ann"})), 0, "any user can be kicked");
    assert_eq!(show(0), IN, "another one");
    assert_eq!(server.code("im_open_login_svc/kick", json!({"UserID": ADMINISTRATOR})), 0);
    assert_eq!((show(-1), show(0), show(1)), (70001, 70001, IN));
}

#[test]
fn where_webhooks_come_from() {
    let server = Server::new();
    let answer = server.send("ConfigSvc/GetIPList", &format!("{}&nettype=0", server.query().text()), b"{}");
    assert_eq!(answer, json!({"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0, "IPList": ["127.0.0.1"]}));
}
