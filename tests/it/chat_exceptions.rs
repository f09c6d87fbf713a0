//! Messages that could not be delivered (`tencent.md` §6.4): each cause by a call of the API and by a client, told with a
//! body that is as in its golden file.

use crate::harness::{Answers, Business, Client, Heard, Tencent, World, code, golden, text_body};
use serde_json::{Value, json};

const WORD: &str = "Group.CallbackSendMsgException";
/// The second of the golden files.
const AT: i64 = 1_790_000_000;
const BAD_WORD: &str = "badword";

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cause {
    Rate,
    Unknown,
    Malformed,
    Gone,
    Muted,
    MutedAll,
    Filtered,
    NotAllowed,
    Refused,
    TooLong,
}

use Cause::*;

/// What the message is to be like.
struct Message {
    group: &'static str,
    text: String,
    /// Only these are to read it.
    to: &'static [&'static str],
    /// Codes of the API's answer and of the client's.
    codes: (i64, u64),
}

impl Cause {
    /// The name in those of the golden files.
    fn file(self) -> &'static str {
        match self {
            Rate => "rate",
            Unknown => "unknown",
            Malformed => "malformed",
            Gone => "gone",
            Muted | MutedAll => "muted",
            Filtered => "filtered",
            NotAllowed => "not_allowed",
            Refused => "refused",
            TooLong => "too_long",
        }
    }

    fn message(self, by_client: bool) -> Message {
        let usual = Message { group: "g1", text: "red packet".into(), to: &[], codes: (0, 0) };
        match self {
            // It is answered as if it were said.
            Rate => usual,
            Unknown => Message { group: "never", codes: (10015, 440), ..usual },
            Malformed => Message { group: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", codes: (10015, 440), ..usual },
            Gone => Message { codes: (10010, 441), ..usual },
            Muted | MutedAll => Message { codes: (10017, 442), ..usual },
            Filtered => Message { text: format!("red {BAD_WORD}"), codes: (80001, 451), ..usual },
            // By a call: to some of those in a live room; by a client: where it is no member.
            NotAllowed if by_client => Message { group: "closed", codes: (10007, 425), ..usual },
            NotAllowed => Message { group: "live", to: &["ann"], codes: (10007, 425), ..usual },
            Refused => Message { text: "refused".into(), codes: (10016, 451), ..usual },
            TooLong => Message { text: "x".repeat(if by_client { 15_500 } else { 12_300 }), codes: (80002, 107), ..usual },
        }
    }
}

/// A group `g1` of `olga` and `ann`, at the second of the golden files; and what the cause needs.
fn world(cause: Cause) -> (World, Tencent, Business) {
    let world = World::at(AT);
    world.advance(123);
    let api = world.tencent();
    api.make("g1", "ChatRoom", &["olga", "ann"]);
    let business = Business::start();
    let asks = cause == Refused;
    let words = [WORD, "Group.CallbackBeforeSendMsg"];
    world.tells(&business, if asks { &words } else { &words[..1] });
    match cause {
        Gone => drop(api.group("destroy_group", json!({"GroupId": "g1"}))),
        Muted => drop(api.group("forbid_send_msg", json!({"GroupId": "g1", "Members_Account": ["ann"], "MuteTime": 60}))),
        MutedAll => drop(api.group("modify_group_base_info", json!({"GroupId": "g1", "MuteAllMember": "On"}))),
        NotAllowed => {
            api.make("live", "AVChatRoom", &["olga"]);
            api.make("closed", "Private", &["olga"]);
        }
        Filtered => filter(&world, &api, &business),
        Refused => business.says(|body| if body["CallbackCommand"] == WORD { Answers::Proceed } else { Answers::Json(json!({"ErrorCode": 1})) }),
        _ => (),
    }
    (world, api, business)
}

/// A word is on the list, which is in force.
fn filter(world: &World, api: &Tencent, business: &Business) {
    std::fs::write(world.server.folder.join("words.txt"), format!("{BAD_WORD}\n")).unwrap();
    world.api().ok("ModifyLiveMessageAppAudit", &[("AppId", &world.app.id), ("AuditType", "1")]);
    api.make("tried", "ChatRoom", &["olga"]);
    crate::harness::eventually("the list is in force", || {
        world.advance(1_000);
        api.post("group_open_http_svc/send_group_msg", &crate::harness::saying("tried", "olga", BAD_WORD)).code() == 80001
    });
    world.server.settle();
    business.forget();
}

fn fill(api: &Tencent) {
    for n in 0..40 {
        api.say("g1", "olga", &format!("m{n}"));
    }
}

/// The one failure that was told.
#[track_caller]
fn failure(world: &World, business: &Business) -> Heard {
    world.server.settle();
    let told = business.told(WORD);
    let [one] = &told[..] else { panic!("one is told, and came {told:#?}") };
    one.clone()
}

fn call(cause: Cause) -> Value {
    let Message { group, text, to, .. } = cause.message(false);
    let from = if matches!(cause, Muted | MutedAll) { "ann" } else { "olga" };
    let mut body = json!({"GroupId": group, "From_Account": from, "Random": 123_456, "MsgBody": text_body(&text), "CloudCustomData": "your cloud custom data"});
    if !to.is_empty() {
        body["To_Account"] = json!(to);
    }
    body
}

/// The golden files have no long text, and each is of one moment.
fn other(world: &World, cause: Cause, by_client: bool) -> Value {
    let mut other = json!({"EventTime": world.server.clock.now().0});
    if cause == TooLong {
        other["MsgBody"] = text_body(&cause.message(by_client).text);
    }
    other
}

#[test]
fn each_cause_is_told_of_a_call_of_the_api() {
    for cause in [Rate, Unknown, Malformed, Gone, Muted, MutedAll, Filtered, NotAllowed, Refused, TooLong] {
        let (world, api, business) = world(cause);
        if cause == Rate {
            fill(&api);
        }
        let answered = api.post("group_open_http_svc/send_group_msg", &call(cause)).send();
        let expected = cause.message(false).codes.0;
        assert_eq!(code(&answered), expected, "{cause:?}: {}", answered.body);
        assert_eq!(answered.body["MsgDropReason"] == "MsgFreqCtrl", cause == Rate, "{cause:?}: {}", answered.body);
        let told = failure(&world, &business);
        assert_eq!(told.body, golden(&format!("exception_{}_rest", cause.file()), other(&world, cause, false)), "{cause:?}: what came, and what is documented");
        if expected != 0 {
            assert_eq!(told.body["ErrorInfo"], answered.body["ErrorInfo"], "{cause:?}: the caller is told the same");
        }
        for (name, value) in [("SdkAppid", &*world.sdkappid().to_string()), ("ClientIP", "127.0.0.1"), ("OptPlatform", "RESTAPI")] {
            assert_eq!(told.param(name), Some(value), "{cause:?}: {}", told.path);
        }
    }
}

#[test]
fn each_cause_is_told_of_a_client() {
    for cause in [Rate, Unknown, Gone, Muted, MutedAll, Filtered, NotAllowed, Refused, TooLong] {
        let (world, api, business) = world(cause);
        let Message { group, text, codes, .. } = cause.message(true);
        let mut ann = world.by_usersig("ann", "web");
        if group == "g1" && cause != Gone {
            ann.join(group);
        }
        if cause == Rate {
            fill(&api);
        }
        let reply = publish(&mut ann, group, &text);
        assert_eq!(reply["error"]["code"].as_u64().unwrap_or(0), codes.1, "{cause:?}: {reply}");
        let told = failure(&world, &business);
        let mut other = other(&world, cause, true);
        assert!(told.body["Random"].is_u64(), "{cause:?}: made of the message's own id");
        other["Random"] = told.body["Random"].clone();
        assert_eq!(told.body, golden(&format!("exception_{}_client", cause.file()), other), "{cause:?}: what came, and what is documented");
        assert_eq!((told.param("OptPlatform"), told.param("ClientIP")), (Some("Web"), Some("127.0.0.1")), "{cause:?}: {}", told.path);
    }
}

fn publish(client: &mut Client, group: &str, text: &str) -> Value {
    client.ask("publish", json!({"channel": format!("group:{group}"), "data": {"body": text}}))
}

#[test]
fn too_many_are_told_as_such_also_where_they_are_refused() {
    let (world, api, business) = world(Rate);
    world.chat(json!({"rate_mode": "reject", "event_time_as_string": true}));
    fill(&api);
    let answered = api.post("group_open_http_svc/send_group_msg", &call(Rate)).send();
    assert_eq!((code(&answered), &answered.body["ErrorInfo"]), (10023, &json!("msg count exceeds limit,please retry later")));
    let told = failure(&world, &business);
    assert_eq!(told.body, golden("exception_rate_rest", json!({"EventTime": (AT * 1_000 + 123).to_string()})), "as the source document has it");
    business.forget();
    let mut ann = world.by_usersig("ann", "web");
    ann.join("g1");
    assert_eq!(publish(&mut ann, "g1", "red packet")["error"]["code"], 412);
    assert_eq!(failure(&world, &business).body["ErrorCode"], 10023);
}

#[test]
fn what_the_business_says_is_the_code_and_what_it_does_not_say_is_one() {
    let (world, api, business) = world(Refused);
    let mut ann = world.by_usersig("ann", "web");
    ann.join("g1");
    world.chat(json!({"on_silence": "refuse"}));
    for (answer, expected, info) in [
        (Answers::Json(json!({"ErrorCode": 10_150, "ErrorInfo": "not in class"})), 10_150, "not in class"),
        (Answers::Json(json!({"ErrorCode": 1, "ErrorInfo": "not in class"})), 10_016, "not in class"),
        (Answers::Raw(500, vec![]), 80_003, "the application's own server did not answer in time, and wants nothing to go on then"),
    ] {
        business.says(move |body| if body["CallbackCommand"] == WORD { Answers::Proceed } else { answer.clone() });
        assert_eq!(api.group_fails("send_group_msg", call(Refused)), expected);
        let file = golden("exception_refused_rest", json!({"ErrorCode": expected, "ErrorInfo": info}));
        assert_eq!(failure(&world, &business).body, file);
        business.forget();
        assert!(publish(&mut ann, "g1", "refused").get("error").is_some());
        let told = failure(&world, &business);
        assert_eq!((&told.body["ErrorCode"], &told.body["ErrorInfo"]), (&json!(expected), &json!(info)));
        business.forget();
    }
}

#[test]
fn of_what_is_very_long_the_elements_are_left_out() {
    let (world, api, business) = world(TooLong);
    let mut body = call(TooLong);
    body["MsgBody"] = text_body(&"x".repeat(70_000));
    assert_eq!(api.group_fails("send_group_msg", body), 80002);
    let told = failure(&world, &business).body;
    assert_eq!((&told["MsgBody"], &told["ErrorCode"]), (&json!([]), &json!(80002)));
}

#[test]
fn what_is_no_message_at_all_is_told_to_the_caller_alone() {
    let (world, api, business) = world(Rate);
    for (body, expected) in [
        (json!({"GroupId": "g1", "From_Account": "ann", "Random": 1, "MsgBody": []}), 10004),
        (json!({"GroupId": "g1", "From_Account": "ann", "MsgBody": text_body("x")}), 10004),
        (json!({"GroupId": 7, "From_Account": "ann", "Random": 1, "MsgBody": text_body("x")}), 10004),
    ] {
        assert_eq!(api.group_fails("send_group_msg", body.clone()), expected, "{body}");
    }
    world.server.settle();
    assert!(business.all().is_empty());
}
