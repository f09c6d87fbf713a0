//! The door of the other cloud's API (`tencent.md` §1, §2.4, §10): who is let in, in which order that is looked at,
//! and what everybody else is told.

use crate::harness::{Post, Tencent, World, code, http, operator};
use base64::{Engine, engine::general_purpose::STANDARD};
use roomd::{
    domain::{Millis, UserId},
    tencent::usersig,
};
use serde_json::{Value, json};
use std::time::Instant;

const ROOMS: &str = "live_engine_http_srv/get_room_list";

/// A call that everybody who is let in may make.
fn list(api: &Tencent) -> Post {
    api.post(ROOMS, &json!({"Next": "", "Count": 20}))
}

/// An application of that cloud that moved here, as one of its administrators sees it.
fn moved(world: &World, sdkappid: u32, key: &str, administrator: &str) -> Tencent {
    let body = json!({"sdkappid": sdkappid, "app_key": key, "administrators": [administrator]});
    let made = operator(world.server.running().control, world.server.folder.path(), "POST", "apps", &body.to_string());
    assert_eq!(made.status, 200, "{}", made.body);
    Tencent { sdkappid, key: key.into(), identifier: administrator.into(), ..world.tencent() }
}

fn pack(document: &[u8]) -> String {
    STANDARD.encode(miniz_oxide::deflate::compress_to_vec_zlib(document, 9)).replace('+', "*").replace('/', "-").replace('=', "_")
}

fn unpack(usersig: &str) -> Value {
    let packed = STANDARD.decode(usersig.replace('*', "+").replace('-', "/").replace('_', "=")).unwrap();
    serde_json::from_slice(&miniz_oxide::inflate::decompress_to_vec_zlib(&packed).unwrap()).unwrap()
}

/// The same UserSig with one character of its signature another.
fn flipped(usersig: &str) -> String {
    let mut document = unpack(usersig);
    let signature = document["TLS.sig"].as_str().unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    document["TLS.sig"] = format!("{other}{}", &signature[1..]).into();
    pack(document.to_string().as_bytes())
}

#[test]
fn the_usersigs_of_that_clouds_libraries_open_the_door_as_long_as_they_are_good() {
    let vectors: Value = serde_json::from_str(include_str!("../wire/tencent/usersig_vectors.json")).unwrap();
    let vectors = vectors["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 11);
    for v in vectors {
        let text = |name: &str| v[name].as_str().unwrap();
        let (made, expire) = (v["time"].as_i64().unwrap(), v["expire"].as_i64().unwrap());
        let (name, usersig) = (text("identifier"), text("usersig"));
        let case = format!("{name} of {made}");
        let code_at = |seconds: i64, usersig: &str| {
            let world = World::at(seconds);
            let api = moved(&world, v["sdkappid"].as_u64().unwrap() as u32, text("key"), name);
            list(&api).with("usersig", usersig).code()
        };
        assert_eq!(code_at(made, usersig), 0, "{case}");
        assert_eq!(code_at(made + expire, usersig), 0, "{case}: its last second");
        assert_eq!(code_at(made + expire + 1, usersig), 70001, "{case}: over");
        assert_eq!(code_at(made, &flipped(usersig)), 70009, "{case}: another signature");
    }
}

#[test]
fn what_is_wrong_with_a_usersig_is_told_in_the_documented_order() {
    let world = World::new();
    let api = world.tencent();
    let other = moved(&world, 77, "another-key", "administrator");
    let make = |sdkappid: u32, key: &str, user: &str, made: i64| usersig::make(sdkappid, key, &UserId::trusted(user), made, 60, None);
    let (number, key, now) = (api.sdkappid, &*api.key, world.seconds());
    let bomb = pack(&vec![b' '; 3_000_000]);
    assert!(bomb.len() <= 4_096, "it comes past the bound of a text: {}", bomb.len());
    let document = |change: &dyn Fn(&mut Value)| {
        let mut document = unpack(&api.usersig());
        change(&mut document);
        pack(document.to_string().as_bytes())
    };
    for (what, usersig, expected) in [
        ("good", make(number, key, "administrator", now), 0),
        ("made a little ahead", make(number, key, "administrator", now + 30), 0),
        ("with something for another product", usersig::make(number, key, &UserId::trusted("administrator"), now, 60, Some(b"abc")), 0),
        ("empty", String::new(), 70002),
        ("no base64", "!!".into(), 70003),
        ("no zlib", "AAAA".into(), 70003),
        ("too long", "A".repeat(4_097), 70003),
        ("a zip bomb", bomb, 70003),
        ("no JSON", pack(b"hello"), 70003),
        ("JSON of something else", pack(b"[]"), 70003),
        ("a number for text", document(&|d| d["TLS.identifier"] = 7.into()), 70003),
        ("text for a number", document(&|d| d["TLS.time"] = "7".into()), 70003),
        ("another version", document(&|d| d["TLS.ver"] = "1.0".into()), 70003),
        ("without its signature", document(&|d| drop(d.as_object_mut().unwrap().remove("TLS.sig"))), 70003),
        ("one byte of the signature", flipped(&api.usersig()), 70009),
        ("another time than signed", document(&|d| d["TLS.time"] = (now - 1).into()), 70009),
        ("another key", make(number, "nonsense", "administrator", now), 70009),
        ("another application's own", other.usersig(), 70009),
        ("another application's own, of another user", make(77, "another-key", "who", now), 70009),
        ("another number, signed with this key", make(77, key, "administrator", now), 70014),
        ("another number and user, signed with this key", make(77, key, "who", now), 70014),
        ("another user", make(number, key, "who", now), 70013),
        ("another user, and over", make(number, key, "who", now - 100), 70013),
        ("over", make(number, key, "administrator", now - 61), 70001),
        ("in its last second", make(number, key, "administrator", now - 60), 0),
    ] {
        assert_eq!(list(&api).with("usersig", &usersig).code(), expected, "{what}");
    }
    let who = Tencent { identifier: "who".into(), ..api.clone() };
    assert_eq!(list(&who).code(), 60010, "its own good one, and no administrator");
}

#[test]
fn a_zip_bomb_is_not_unpacked() {
    // Each is 4 KiB of text at most, and 3 MB unpacked; the first 8 KiB of that are all that is looked at.
    let bomb = pack(&vec![b' '; 3_000_000]);
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(usersig::verify(&bomb, 1, "k", "u", Millis(0)), Err(usersig::Flaw::Malformed));
    }
    let each = began.elapsed() / 100;
    assert!(each.as_millis() < 10, "{each:?}");
    let world = World::new();
    assert_eq!(list(&world.tencent()).with("usersig", &bomb).code(), 70003);
}

#[test]
fn what_is_looked_at_first_is_told_first() {
    let world = World::new();
    let api = world.tencent();
    let good = || list(&api);
    let broken = |post: Post| post.body(b"{");
    let with = |post: Post, name: &str, value: &str| post.with(name, value);
    let to = |path: &str, post: Post| Post { path: path.into(), ..post };
    let off = moved(&world, 78, "k", "administrator");
    let id = operator(world.server.running().control, world.server.folder.path(), "GET", "apps", "").body;
    let id = id.as_array().unwrap().iter().find(|app| app["sdkappid"] == 78).unwrap()["app_id"].as_str().unwrap().to_owned();
    world.api().ok("ModifyLiveMessageAppDisable", &[("AppId", &id), ("Disable", "true")]);
    // Each is wrong in what is named and in all that comes after it.
    let nobody = |post: Post| broken(with(with(with(post, "sdkappid", "12"), "identifier", ""), "usersig", ""));
    for (what, post, expected) in [
        ("good", good(), 0),
        ("GET", Post { method: "GET", ..to("/v4/no/such", nobody(good())) }, 60002),
        ("PUT", Post { method: "PUT", ..good() }, 60002),
        ("no percent-encoding", to("/v4/no/such", with(nobody(good()), "sdkappid", "%zz")), 60002),
        ("no service", to("/v4/x", nobody(good())), 60009),
        ("a part too many", to("/v4/live_config/get_callback/x", nobody(good())), 60009),
        ("another version", to("/v5/live_config/get_callback", good()), 404),
        ("an unknown service", to("/v4/no_such/get_callback", nobody(good())), 60009),
        ("an unknown command of rooms", to("/v4/live_engine_http_srv/no_such", nobody(good())), 60009),
        ("the misprint of the document", to("/v4/livee_config/get_callback", nobody(good())), 60009),
        ("an unknown command of groups", to("/v4/group_open_http_svc/no_such", nobody(good())), 10003),
        ("no number", broken(good().without("sdkappid").with("identifier", "")), 60012),
        ("an empty number", broken(good().with("sdkappid", "").with("identifier", "")), 60012),
        ("a word for a number", nobody(good()).with("sdkappid", "x"), 60006),
        ("an unknown number", nobody(good()), 60006),
        ("disabled", broken(list(&off).with("identifier", "")), 60016),
        ("no identifier", broken(good().without("identifier").with("usersig", "")), 60004),
        ("an empty identifier", broken(good().with("identifier", "").with("usersig", "")), 60004),
        ("no usersig", broken(good().without("usersig")), 70002),
        ("a wrong usersig", broken(good().with("usersig", "!!")), 70003),
        ("no administrator", broken(list(&Tencent { identifier: "who".into(), ..api.clone() })), 60010),
        ("no JSON", broken(good()), 60003),
        ("nothing", good().body(b""), 60003),
        ("no UTF-8", good().body(b"\"\xff\""), 60003),
        ("a bad parameter", good().body(b"{\"Count\":-1}"), 100002),
    ] {
        match expected {
            404 => assert_eq!(post.send().status, 404, "{what}"),
            _ => assert_eq!(code(&post.send()), expected, "{what}"),
        }
    }
}

#[test]
fn the_form_of_a_call_is_free_where_the_document_leaves_it_free() {
    let world = World::new();
    let api = world.tencent();
    let mut now = world.seconds();
    let starred = loop {
        let usersig = usersig::make(api.sdkappid, &api.key, &UserId::trusted("administrator"), now, 3_600, None);
        if usersig.contains('*') {
            break usersig;
        }
        now -= 1;
    };
    let mut turned = list(&api);
    turned.query.reverse();
    for (what, post) in [
        ("no Content-Type", list(&api)),
        ("text/plain", list(&api).header("Content-Type: text/plain")),
        ("a form's", list(&api).header("Content-Type: application/x-www-form-urlencoded")),
        ("one that is none", list(&api).header("Content-Type: ;;;")),
        ("* in the UserSig", list(&api).with("usersig", &starred)),
        ("* as %2A", list(&api).with("usersig", &starred.replace('*', "%2A"))),
        ("_ as %5f", list(&api).with("usersig", &api.usersig().replace('_', "%5f"))),
        ("another order", turned),
        ("one more parameter", list(&api).with("nettype", "0")),
        ("no random", list(&api).without("random")),
        ("the same random again", list(&api).with("random", "1")),
        ("the same random once more", list(&api).with("random", "1")),
        ("another Host", list(&api).header("X-Forwarded-Host: console.tim.qq.com")),
    ] {
        assert_eq!(post.code(), 0, "{what}");
    }
    // `curl -I` and a look with a browser find somebody.
    for method in ["GET", "HEAD"] {
        let answer = format!("{method} / HTTP/1.1\r\nHost: console.tim.qq.com\r\nConnection: close\r\n\r\n");
        match method {
            "GET" => assert_eq!(http(api.at, answer.as_bytes()).unwrap().status, 200),
            _ => assert!(raw(api.at, &answer).starts_with("HTTP/1.1 200 "), "{method}"),
        }
    }
}

#[test]
fn get_callback_answers_byte_for_byte_as_documented() {
    let world = World::new();
    let api = world.tencent();
    let words = ["Live.CallbackAfterCreateRoom", "Live.CallbackAfterDestroyRoom"];
    api.hook("http://www.example.com/callback", &words);
    let post = api.post("live_config/get_callback", &json!({}));
    let query: Vec<String> = post.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = format!("POST {}?{} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}", post.path, query.join("&"));
    let answer = raw(api.at, &request);
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let id = serde_json::from_str::<Value>(body).unwrap()["RequestId"].as_str().unwrap().to_owned();
    // The sample of the source document, without its white space.
    let expected = format!(
        "{{\"ErrorCode\":0,\"ErrorInfo\":\"\",\"ActionStatus\":\"OK\",\"RequestId\":\"{id}\",\"Response\":\
         {{\"Url\":\"http://www.example.com/callback\",\"CallbackCommandList\":[\"{}\",\"{}\"]}}}}",
        words[0], words[1]
    );
    assert_eq!(body, expected);
}

/// An answer as it came, up to the end of the connection.
fn raw(at: std::net::SocketAddr, request: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(at).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_two_families_of_services_answer_in_their_own_form() {
    let world = World::of(&["g1"]);
    let api = world.tencent();
    let live = api.post("live_engine_http_srv/get_room_info", &json!({"RoomId": "g1"})).send();
    assert_eq!(code(&live), 0);
    assert!(live.body["RequestId"].is_string() && live.body["Response"]["RoomInfo"]["RoomId"] == "g1", "{}", live.body);
    let chat = api.post("group_open_http_svc/get_group_info", &json!({"GroupIdList": ["g1"]})).send();
    assert_eq!(code(&chat), 0);
    assert!(chat.body.get("Response").is_none() && chat.body["GroupInfo"][0]["GroupId"] == "g1", "{}", chat.body);
    let ids: Vec<String> = (0..2).map(|_| list(&api).send().body["RequestId"].as_str().unwrap().to_owned()).collect();
    assert_ne!(ids[0], ids[1], "each answer has its own");
    let refused = api.post("live_engine_http_srv/get_room_info", &json!({"RoomId": "none"})).send();
    assert_eq!(code(&refused), 100004);
    assert!(refused.body.get("Response").is_none(), "{}", refused.body);
    // Nothing to return is no Response.
    let done = api.post("live_engine_http_srv/destroy_room", &json!({"RoomId": "g1"})).send();
    assert!(code(&done) == 0 && done.body.get("Response").is_none(), "{}", done.body);
}

#[test]
fn calls_beyond_the_rate_of_their_command_are_refused_until_the_second_is_over() {
    let world = World::with(|settings| settings.limits.control_qps = true);
    let api = world.tencent();
    let get = || api.post("live_config/get_callback", &json!({})).code();
    for n in 0..200 {
        assert_eq!(get(), 100301, "call {n}");
    }
    assert_eq!(get(), 60007);
    for n in 0..10 {
        assert_eq!(list(&api).code(), 0, "another command is counted by itself, call {n}");
    }
    assert_eq!(list(&api).code(), 60007, "and less often");
    let other = moved(&world, 79, "k", "administrator");
    assert_eq!(list(&other).code(), 0, "another application is counted by itself");
    // Who is not let in takes nobody's place.
    for _ in 0..20 {
        assert_eq!(list(&other).with("usersig", "!!").code(), 70003);
    }
    for n in 0..9 {
        assert_eq!(list(&other).code(), 0, "call {n}");
    }
    world.advance(1_000);
    assert_eq!((get(), list(&api).code()), (100301, 0));
}

#[test]
fn who_fails_a_hundred_times_in_a_minute_waits_for_one() {
    let world = World::new();
    let api = world.tencent();
    let other = moved(&world, 80, "k", "administrator");
    let wrong = flipped(&api.usersig());
    for n in 0..100 {
        assert_eq!(list(&api).with("usersig", &wrong).code(), 70009, "failure {n}");
    }
    assert_eq!(list(&api).with("usersig", &wrong).code(), 70050);
    assert_eq!(list(&api).code(), 70050, "who has the right one has to wait as well, or it could be told by that");
    assert_eq!(list(&other).code(), 0, "another application is not concerned");
    world.advance(59_000);
    assert_eq!(list(&api).code(), 70050);
    world.advance(2_000);
    assert_eq!(list(&api).with("usersig", &wrong).code(), 70009);
    assert_eq!(list(&api).code(), 0);
}

#[test]
fn failures_that_are_spread_out_hold_nobody_up() {
    let world = World::new();
    let api = world.tencent();
    for _ in 0..4 {
        for _ in 0..60 {
            assert_eq!(list(&api).with("usersig", "!!").code(), 70003);
        }
        world.advance(61_000);
    }
    assert_eq!(list(&api).code(), 0);
}

#[test]
fn usersigs_of_a_user_who_was_kicked_are_worth_nothing_and_a_newer_one_is() {
    let mut world = World::of(&["g1"]);
    let answer = operator(
        world.server.running().control,
        world.server.folder.path(),
        "PATCH",
        &format!("apps/{}", world.app.id),
        r#"{"administrators":["administrator","boss"]}"#,
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
    let api = world.tencent();
    let boss = Tencent { identifier: "boss".into(), ..api.clone() };
    let old = boss.usersig();
    let login = |usersig: &str| json!({"sdkappid": api.sdkappid, "identifier": "boss", "usersig": usersig}).to_string();
    let mut client = crate::harness::Client::login(world.server.running().sessions, &login(&old), "d");
    client.join("g1");
    assert_eq!(list(&boss).code(), 0);
    assert_eq!(api.ok("im_open_login_svc/kick", json!({"UserID": "boss"}))["ErrorCode"], 0);
    assert_eq!(client.closed().0, 4502, "its session ends");
    for _ in 0..2 {
        let api = world.tencent();
        let boss = Tencent { identifier: "boss".into(), ..api.clone() };
        assert_eq!(list(&boss).with("usersig", &old).code(), 70001);
        assert_eq!(list(&boss).code(), 70001, "one of the same second is as old");
        let mut client = world.open();
        client.say("connect", json!({"token": login(&old)}));
        assert_eq!(client.rest()[0]["error"]["code"], 109, "its SDK fetches a fresh one");
        assert_eq!(list(&api).code(), 0, "another user is not concerned");
        // Also afterwards.
        world.server.restart();
    }
    world.advance(1_000);
    let boss = Tencent { identifier: "boss".into(), ..world.tencent() };
    assert_eq!(list(&boss).code(), 0);
    assert_eq!(list(&boss).with("usersig", &old).code(), 70001);
    crate::harness::Client::login(world.server.running().sessions, &login(&boss.usersig()), "d");
}

#[test]
fn what_the_door_refuses_has_the_envelope_too() {
    let world = World::new();
    let at = world.server.running().control;
    let ask = |head: &str| http(at, format!("{head}\r\n\r\n").as_bytes()).expect("an answer");
    let live = "POST /v4/live_engine_http_srv/create_room?sdkappid=1 HTTP/1.1\r\nHost: a\r\n";
    for (head, why) in [("Content-Length: 1048577", "1 MiB"), ("Transfer-Encoding: chunked", "Content-Length"), ("Content-Length: x", "not a number")] {
        let answer = ask(&format!("{live}{head}"));
        assert_eq!(code(&answer), 60002, "{}", answer.body);
        let (info, id) = (answer.body["ErrorInfo"].as_str().unwrap(), answer.body["RequestId"].as_str().unwrap());
        assert!(info.contains(why) && id.starts_with("Id-"), "{}", answer.body);
    }
    let answer = ask("POST /v4/group_open_http_svc/get_group_info HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577");
    assert_eq!((code(&answer), answer.body.get("RequestId")), (60002, None), "{}", answer.body);
    assert_eq!(ask("POST /v5/x/y HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577").status, 413, "nobody's path");
}
