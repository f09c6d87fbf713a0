//! Bad input: each parameter of each operation missing, empty, too long, of the wrong type, out of range, in a
//! wrong alphabet, naming what is not there or what is another application's. The answer is the documented
//! code and names the parameter, and the store is as it was. What is just still legal is let through.

mod table;
mod values;

use crate::harness::{App, Client, Watch, World};
use roomd::alibaba::operation::OPERATIONS;
use rusqlite::{Connection, types::Value};
use serde_json::json;
use std::collections::BTreeMap;
use table::{Kind, Need, Operation, Param, operations};
use values::Pairs;

/// An application with a group `g1` and a channel `c1`, in which `u1` is, a group `empty`, and a deleted one, `gone`; `t1` was said
/// in `g1`, and to `u1` alone; and somebody subscribed to `c1`. And another application without any of it.
struct Town {
    world: World,
    other: App,
    watch: Watch,
    _u1: Client,
}

impl Town {
    fn new() -> Town {
        // There is room for all that is tried.
        let world = World::with(|settings| {
            settings.rules.quotas.subscriptions_per_app = 0;
            settings.rules.quotas.all_channel_subscriptions_per_app = 0;
        });
        world.groups(&["g1", "empty", "gone"]);
        let (api, app) = (world.api(), &*world.app.id);
        let watch = world.watch("c1", &[("ChannelId", "c1")]);
        let mut u1 = world.member("u1", "g1");
        world.enter(&mut u1, "u1", "c1", 1);
        for (action, to) in [("SendLiveMessageGroup", ("GroupId", "g1")), ("SendLiveMessageUser", ("ReceiverId", "u1"))] {
            api.ok(action, &[("AppId", app), to, ("SenderId", "s"), ("MsgTid", "t1"), ("Body", "hi")]);
        }
        api.ok("DeleteLiveMessageGroup", &[("AppId", app), ("GroupId", "gone")]);
        let other = api.app(&world.receiver.url());
        world.told(&["u1 on", "u1 join g1"]);
        world.heard(&watch, &["c1 Open", "c1 u1 Join 1 streamer"]);
        // What was received is also recorded.
        world.server.settle();
        Town { other, watch, _u1: u1, world }
    }

    fn usual(&self, param: &Param) -> String {
        match param.kind {
            Kind::AppId => self.world.app.id.clone(),
            Kind::Subscription => self.watch.id.clone(),
            Kind::Recent if param.name == "StartTime" => (self.world.seconds() - 60).to_string(),
            Kind::Recent => self.world.seconds().to_string(),
            _ => param.usual.to_owned(),
        }
    }

    /// The usual call of an operation, but for what `instead` says of one parameter.
    fn call(&self, operation: &Operation, param: &Param, instead: &Pairs) -> crate::harness::Answer {
        let others = operation.params.iter().filter(|p| p.name != param.name).map(|p| (p.name.to_owned(), self.usual(p)));
        let all: Pairs = others.filter(|(_, value)| !value.is_empty()).chain(instead.iter().cloned()).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (&**name, &**value)).collect();
        self.world.api().call(operation.name, &all).v3()
    }
}

/// All rows of all tables.
pub fn dump(store: &Connection) -> BTreeMap<String, Vec<Vec<Value>>> {
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

#[test]
fn the_table_above_is_the_servers_own() {
    let required = |o: &Operation| o.params.iter().filter(|p| p.need == Need::Required).map(|p| p.name).collect();
    let ours: BTreeMap<&str, Vec<&str>> = operations().iter().map(|o| (o.name, required(o))).collect();
    let served: BTreeMap<&str, Vec<&str>> = OPERATIONS.iter().map(|o| (o.name, o.required.to_vec())).collect();
    assert_eq!(ours, served, "operations, and what each cannot do without");
    assert_eq!((ours.len(), OPERATIONS.len()), (37, 37));
}

#[test]
fn what_is_wrong_with_a_parameter_is_told_by_its_name_and_changes_nothing() {
    let town = Town::new();
    let store = town.world.sql();
    let before = dump(&store);
    let mut tried = 0;
    for operation in &operations() {
        for param in &operation.params {
            for bad in param.bad(operation, &town.other, |p| town.usual(p)) {
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
    assert!(tried > 1_000, "only {tried} cases were made");
}

#[test]
fn under_another_applications_id_nothing_is_seen_and_nothing_changes() {
    let town = Town::new();
    let now = town.world.seconds().to_string();
    let log = [("StartTime", &*now), ("EndTime", &now), ("PageNo", "1"), ("PageSize", "10")];
    let store = town.world.sql();
    let before = dump(&store);
    for (action, params, field, seen) in [
        ("DeleteLiveMessageGroup", vec![("GroupId", "g1")], "GroupId", json!("g1")),
        ("CheckLiveMessageUsersOnline", vec![("UserIds", "u1")], "UserList", json!([{"UserId": "u1", "Online": false}])),
        ("ListLiveMessageGroups", vec![("SortType", "1")], "GroupList", json!([])),
        ("ListLiveMessageGroupByPage", vec![("SortType", "1")], "GroupList", json!([])),
        ("ListEventSub", vec![], "Subscribers", json!([])),
        ("ListEventSubEvent", log.to_vec(), "Logs", json!([])),
        ("DescribeChannelUsers", vec![("ChannelId", "c1")], "IsChannelExists", json!(false)),
        ("DescribeChannelParticipants", vec![("ChannelId", "c1")], "UserList", json!([])),
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
    let subscribe = [app, ("CallbackUrl", "http://cb.example.com/rtc"), ("Events", "UserEvent"), ("Users", "u1")];
    let second = |from_now: i64| (town.world.seconds() + from_now).to_string();
    let (now, week, more, less) = (second(0), second(-7 * 86_400), second(-7 * 86_400 - 61), second(-1));
    let log = |from, to| vec![app, ("StartTime", from), ("EndTime", to), ("PageNo", "1"), ("PageSize", "10")];
    let beyond = second(1);
    let listing = [app, ("GroupId", "g1"), ("SortType", "1"), ("PageSize", "10")];
    for (action, params, code) in [
        ("CreateLiveMessageApp", vec![("AuditType", "2")], "ErrorInvalidAuditUrl"),
        ("CreateLiveMessageApp", vec![("AuditType", "2"), ("AuditUrl", "")], "ErrorInvalidAuditUrl"),
        ("ModifyLiveMessageAppAudit", vec![app, ("AuditType", "2")], "ErrorInvalidAuditUrl"),
        ("ListLiveMessageGroupMessages", [&listing[..], &[("BeginTime", "2"), ("EndTime", "1")]].concat(), "InputInvalid"),
        ("ModifyLiveMessageGroupBand", [&mutes[..], &[("BannnedUsers", "a"), ("BannedUsers", "b")]].concat(), "InputInvalid"),
        ("ModifyLiveMessageGroupBand", [&mutes[..], &[("BannedUsers.0", "a")]].concat(), "InputInvalid"),
        ("CreateEventSub", subscribe.to_vec(), "InputInvalid"),
        ("CreateEventSub", [&subscribe[..], &[("ChannelId", "*")]].concat(), "InputInvalid"),
        ("UpdateEventSub", [&subscribe[..], &[("SubscribeId", &town.watch.id), ("ChannelId", "")]].concat(), "InputInvalid"),
        ("ListEventSubEvent", log(&now, &less), "InputInvalid"),
        ("ListEventSubEvent", log(&week, &beyond), "InputInvalid"),
        ("ListEventSubEvent", log(&more, &week), "InputInvalid"),
    ] {
        let answer = town.world.api().call(action, &params).v3();
        assert_eq!(answer.error(), (400, code), "{action} {params:?}");
        let message = answer.body["Message"].as_str().unwrap_or_default();
        let names = ["AuditUrl", "BeginTime", "BannnedUsers", "BannedUsers", "Users", "StartTime", "EndTime"];
        assert!(names.iter().any(|name| message.starts_with(name)), "{action}: {message}");
    }
}

#[test]
fn the_log_of_callbacks_reaches_back_7_days() {
    let town = Town::new();
    let second = |from_now: i64| (town.world.seconds() + from_now).to_string();
    for (from, to) in [(-7 * 86_400, 0), (-7 * 86_400 - 60, -60), (0, 0), (0, 7 * 86_400), (600, 1_200)] {
        let ask = [("AppId", &*town.world.app.id), ("StartTime", &second(from)), ("EndTime", &second(to)), ("PageNo", "1"), ("PageSize", "100")];
        let answer = town.world.api().ok("ListEventSubEvent", &ask);
        // What is told of the town's beginning is of this minute.
        let logs = if from <= 0 && to >= 0 { 2 } else { 0 };
        assert!(answer["Count"].as_u64().is_some_and(|n| n <= logs && (n > 0) == (logs > 0)), "{from} to {to}: {answer}");
    }
}

#[test]
fn an_application_has_20_subscriptions_and_one_of_them_for_all_channels() {
    let world = World::new();
    let (api, app) = (world.api(), ("AppId", &*world.app.id));
    let rest = [app, ("CallbackUrl", "http://cb.example.com/rtc"), ("Events.1", "UserEvent")];
    let with = |more: &[(&'static str, &str)]| api.call("CreateEventSub", &[&rest[..], more].concat()).v3();
    let full = (400, "QuotaLimitError");
    let all = with(&[]).body["SubscribeId"].as_str().expect("an id").to_owned();
    for more in [vec![], vec![("ChannelId", "")], vec![("ChannelId", "*")]] {
        assert_eq!(with(&more).error(), full, "{more:?}");
    }
    let ids: Vec<String> = (1..20).map(|n| with(&[("ChannelId", &format!("c{n}"))]).body["SubscribeId"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(with(&[("ChannelId", "c20")]).error(), full);
    assert!(ids.iter().chain([&all]).all(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())), "{ids:?}");
    let before = dump(&world.sql());
    let update = |id: &str| api.call("UpdateEventSub", &[&rest[..], &[("SubscribeId", id)]].concat()).v3();
    assert_eq!(update(&ids[0]).error(), full, "not by a change either");
    assert_eq!(dump(&world.sql()), before);
    assert_eq!(update(&all).status, 200, "the one that is for all may stay so");
    // One that is deleted makes room; another application has its own.
    api.ok("DeleteEventSub", &[app, ("SubscribeId", &all)]);
    assert_eq!(with(&[]).status, 200);
    let other = api.app("");
    assert_eq!(api.call("CreateEventSub", &[&[("AppId", &*other.id)], &rest[1..]].concat()).v3().status, 200);
}

#[test]
fn of_a_disabled_application_nothing_is_told_and_nothing_changed() {
    let town = Town::new();
    town.world.api().ok("ModifyLiveMessageAppDisable", &[("AppId", &town.world.app.id), ("Disable", "true")]);
    let before = dump(&town.world.sql());
    for operation in operations().iter().skip_while(|o| o.name != "CreateEventSub") {
        let answer = town.call(operation, &operation.params[0], &vec![("AppId".into(), town.world.app.id.clone())]);
        assert_eq!(answer.error(), (403, "NoAuth"), "{}", operation.name);
    }
    assert_eq!(dump(&town.world.sql()), before);
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
            let may_be_gone = param.kind == Kind::Id
                || param.kind.is_there()
                || matches!(operation.name, "KickLiveMessageGroupUser" | "RecoverLiveMessageDeletedGroup" | "DeleteLiveMessageUserMessage" | "DeleteEventSub");
            for pairs in param.legal() {
                let answer = town.call(operation, param, &pairs);
                let gone = may_be_gone && answer.error() == (404, "ResourceNotExist");
                assert!(answer.status == 200 || gone, "{} {:.200}: {}", operation.name, format!("{pairs:?}"), answer.body);
            }
        }
    }
}
