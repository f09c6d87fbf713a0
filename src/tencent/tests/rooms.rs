//! Rooms and their metadata (`tencent.md` §4).

use super::*;
use crate::domain::{
    GroupId,
    ask::Ask,
    request::{Actor, GroupRequest, Request},
};

const CREATE: &str = "live_engine_http_srv/create_room";

fn full() -> Value {
    json!({
        "RoomId": "r 1~", "RoomType": "Live", "RoomName": "name", "Owner_Account": "ann", "MaxMemberCount": 500,
        "CoverURL": "https://example.com/c", "IsMessageDisabled": true, "Category": [1, 20, 3], "IsPublicVisible": false,
        "IsSeatEnabled": true, "TakeSeatMode": "ApplyToTake", "MaxSeatCount": 8, "ActivityStatus": -2,
        "IsUnlimitedRoomEnabled": true, "SeatLayoutTemplateId": 200,
    })
}

fn info(server: &Server, room: &str) -> Value {
    server.response("get_room_info", json!({ "RoomId": room }))["RoomInfo"].clone()
}

#[test]
fn a_room_is_what_was_asked_for() {
    let server = Server::new();
    let answer = server.raw("POST", CREATE, &server.query().text(), json!({"RoomInfo": {"RoomId": "r1", "RoomType": "Live"}}).to_string().as_bytes());
    let text = String::from_utf8(answer.body).unwrap();
    let sample: String = include_str!("../../../tests/wire/tencent/create_room.json").split_ascii_whitespace().collect();
    let (before, after) = sample.split_once("Id-1cc8828fd3d84795ac866ced43b15b5c-O-Seq-1").unwrap();
    assert!(text.starts_with(before) && text.ends_with(after), "{text}\nis not\n{sample}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["Response"]["RoomInfo"], info(&server, "r1"));

    server.response("create_room", json!({"RoomInfo": full()}));
    let told = but(&full(), json!({"IsUnlimitedRoomEnabled": null, "SeatLayoutTemplateId": null, "CreateTime": 1_700_000_000, "ViewCount": 0, "Notice": ""}));
    assert_eq!(info(&server, "r 1~"), told);
    assert_eq!(server.live("create_room", json!({"RoomInfo": full()})), 100003);

    // The id of a dissolved one is free, and nothing of that one is left.
    assert_eq!(server.response("destroy_room", json!({"RoomId": "r 1~"})), Value::Null);
    assert_eq!((server.live("get_room_info", json!({"RoomId": "r 1~"})), server.live("destroy_room", json!({"RoomId": "r 1~"}))), (100004, 100004));
    server.room("r 1~");
    assert_eq!(info(&server, "r 1~")["Owner_Account"], "administrator");
}

/// What neither a new room nor a change takes.
fn bad_fields() -> Vec<Value> {
    vec![
        json!({"RoomName": 1}),
        json!({"RoomName": "x".repeat(101)}),
        json!({"MaxMemberCount": -1}),
        json!({"MaxMemberCount": "1"}),
        json!({"MaxMemberCount": 4_294_967_296u64}),
        json!({"CoverURL": "x".repeat(201)}),
        json!({"IsMessageDisabled": "true"}),
        json!({"Category": [1, 2, 3, 4]}),
        json!({"Category": 1}),
        json!({"Category": ["1"]}),
        json!({"IsPublicVisible": 0}),
        json!({"TakeSeatMode": "Take"}),
        json!({"ActivityStatus": "1"}),
        json!({"ActivityStatus": 1.5}),
    ]
}

#[test]
fn a_bad_room_is_not_made() {
    let server = Server::new();
    let room = json!({"RoomId": "r1", "RoomType": "Live"});
    server.refuses(CREATE, 100002, [json!({}), room.clone(), json!({"RoomInfo": []}), json!({"RoomInfo": {}}), json!({"RoomInfo": {"RoomId": "r1"}})]);
    let own = [
        json!({"RoomId": ""}),
        json!({"RoomId": "x".repeat(49)}),
        json!({"RoomId": "é"}),
        json!({"RoomId": "a\u{7f}"}),
        json!({"RoomId": 1}),
        json!({"RoomType": "Conference"}),
        json!({"Owner_Account": "x".repeat(33)}),
        json!({"Owner_Account": ""}),
        json!({"IsSeatEnabled": 1}),
        json!({"MaxSeatCount": "8"}),
        json!({"IsUnlimitedRoomEnabled": "no"}),
        json!({"SeatLayoutTemplateId": "x"}),
    ];
    server.refuses(CREATE, 100002, own.into_iter().chain(bad_fields()).map(|bad| json!({"RoomInfo": but(&room, bad)})));
    for good in ["x".repeat(48).as_str(), " ", "a/b?c&d"] {
        server.room(good);
    }
    let mut rules = Rules::default();
    rules.quotas.groups_per_app = 1;
    let small = Server::with(rules, false);
    small.room("r1");
    small.refuses(CREATE, 100002, [json!({"RoomInfo": {"RoomId": "r2", "RoomType": "Live"}})]);
}

#[test]
fn a_change_is_of_what_was_given() {
    const UPDATE: &str = "live_engine_http_srv/update_room_info";
    let server = Server::new();
    server.room("r1");
    let mut now = info(&server, "r1");
    for change in [
        json!({"RoomName": "new"}),
        json!({"Notice": "x".repeat(100)}),
        json!({"CoverURL": "c"}),
        json!({"Category": [7]}),
        json!({"Category": []}),
        json!({"ActivityStatus": 9}),
        json!({"IsPublicVisible": false, "MaxMemberCount": 10}),
        json!({"TakeSeatMode": "ApplyToTake"}),
        json!({"IsMessageDisabled": true}),
        json!({"IsMessageDisabled": false, "Notice": ""}),
        json!({}),
    ] {
        assert_eq!(server.response("update_room_info", json!({"RoomInfo": but(&json!({"RoomId": "r1"}), change.clone())})), Value::Null);
        now = but(&now, change);
        assert_eq!(info(&server, "r1"), now);
    }
    let with = |change: Value| json!({"RoomInfo": but(&json!({"RoomId": "r1", "RoomName": "other"}), change)});
    server.refuses(UPDATE, 100002, bad_fields().into_iter().chain([json!({"Notice": "x".repeat(101)}), json!({"RoomId": 1})]).map(with));
    server.refuses(UPDATE, 100002, [json!({}), json!({"RoomInfo": {}}), json!({"RoomId": "r1", "RoomName": "other"})]);
    server.refuses(UPDATE, 100004, [with(json!({"RoomId": "none"}))]);
}

#[test]
fn the_list_has_public_rooms_most_views_first() {
    const LIST: &str = "live_engine_http_srv/get_room_list";
    let server = Server::new();
    for n in 1..=5 {
        server.response("create_room", json!({"RoomInfo": {"RoomId": format!("r{n}"), "RoomType": "Live", "IsPublicVisible": n != 4}}));
    }
    server.fake.join("demo", "ann", 2);
    let page = |next: &str, count: u32| server.response("get_room_list", json!({"Next": next, "Count": count}));
    let ids = |page: &Value| page["RoomList"].as_array().unwrap().iter().map(|room| room["RoomId"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&page("", 20)), ["r5", "r3", "r2", "r1"]);
    let first = page("", 3);
    assert_eq!((ids(&first).len(), &first["Next"]), (3, &json!("0-2")));
    server.response("destroy_room", json!({"RoomId": "r2"}));
    let last = page("0-2", 3);
    assert_eq!((ids(&last), &last["Next"]), (vec!["r1".to_owned()], &json!("")));
    let expected = json!({
        "RoomName": "r1", "RoomId": "r1", "Owner_Account": "administrator", "CoverURL": "", "Category": [], "CreateTime": 1_700_000_000,
        "ActivityStatus": 0, "ViewCount": 0,
    });
    assert_eq!(last["RoomList"], json!([expected]));
    assert_eq!(ids(&server.response("get_room_list", json!({}))).len(), 3, "the first page, of the largest size");
    let bad = [json!({"Next": 1}), json!({"Next": "x"}), json!({"Next": "1-0"}), json!({"Count": 0}), json!({"Count": 21}), json!({"Count": "1"})];
    server.refuses(LIST, 100002, bad);
}

#[test]
fn a_group_that_was_given_no_name_is_called_by_its_id() {
    let server = Server::new();
    let (app, group) = (fake::app("demo").id, GroupId::trusted("g1"));
    let what = GroupRequest::Create(Box::default());
    server.fake.call(Request::Group { app, group, by: Actor::server(None), what }).unwrap();
    assert_eq!(server.response("get_room_info", json!({"RoomId": "g1"}))["RoomInfo"]["RoomName"], "g1");
    assert_eq!(server.response("get_room_list", json!({}))["RoomList"][0]["RoomName"], "g1");
    assert_eq!(server.call("group_open_http_svc/get_group_info", json!({"GroupIdList": ["g1"]}))["GroupInfo"][0]["Name"], "g1");
}

#[test]
fn metadata() {
    let server = Server::new();
    server.room("r1");
    let pairs = |pairs: &[(&str, &str)]| json!(pairs.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect::<Vec<_>>());
    let set = |list: Value| json!({"RoomId": "r1", "Metadata": list});
    let get = |keys: Value| server.response("get_room_metadata", json!({"RoomId": "r1", "Keys": keys}))["Metadata"].clone();
    assert_eq!(server.response("get_room_metadata", json!({"RoomId": "r1"})), json!({"Metadata": []}));
    assert_eq!(server.response("set_room_metadata", set(pairs(&[("b", "2"), ("a", "1")]))), Value::Null);
    server.response("set_room_metadata", set(pairs(&[("b", ""), ("é", "4")])));
    assert_eq!(get(json!([])), pairs(&[("a", "1"), ("b", ""), ("é", "4")]));
    assert_eq!(get(json!(["b", "none"])), pairs(&[("b", "")]));
    assert_eq!(server.response("del_room_metadata", json!({"RoomId": "r1", "Keys": ["a", "none"]})), Value::Null);
    let two = pairs(&[("b", ""), ("é", "4")]);
    assert_eq!(get(json!([])), two);
    let (long, eleven) = ("x".repeat(2_049), (0..11).map(|n| json!({"Key": n.to_string(), "Value": ""})).collect::<Vec<_>>());
    server.refuses(
        "live_engine_http_srv/set_room_metadata",
        100002,
        [
            json!({"RoomId": "r1"}),
            set(json!([])),
            set(json!({"b": "x"})),
            set(json!(["b"])),
            set(json!(eleven)),
            set(json!(eleven[..9])),
            set(pairs(&[("b", "1"), ("b", "2")])),
            set(pairs(&[("", "1")])),
            set(pairs(&[(&long[..51], "1")])),
            set(pairs(&[("b", &long)])),
            set(json!([{"Key": "b"}])),
            set(json!([{"Key": "b", "Value": 1}])),
            set(json!((0..8).map(|n| json!({"Key": n.to_string(), "Value": long[..2_048]})).collect::<Vec<_>>())),
        ],
    );
    let bad_keys = || [json!({"RoomId": "r1", "Keys": "b"}), json!({"RoomId": "r1", "Keys": [1]}), json!({"RoomId": "r1", "Keys": vec!["b"; 11]})];
    server.refuses("live_engine_http_srv/get_room_metadata", 100002, bad_keys());
    server.refuses(
        "live_engine_http_srv/del_room_metadata",
        100002,
        bad_keys().into_iter().chain([json!({"RoomId": "r1"}), json!({"RoomId": "r1", "Keys": []})]),
    );
    server.refuses("live_engine_http_srv/set_room_metadata", 100004, [json!({"RoomId": "none", "Metadata": two.clone()})]);
    server.refuses("live_engine_http_srv/get_room_metadata", 100004, [json!({"RoomId": "none"})]);
    server.refuses("live_engine_http_srv/del_room_metadata", 100004, [json!({"RoomId": "none", "Keys": ["b"]})]);
    assert_eq!(get(json!([])), two);
}
