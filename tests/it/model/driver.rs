//! Does the same to a real server and to the model, and compares what both say after each step: the
//! server API's view, each client's replies, and everything that was pushed at each client.

use super::{
    check::{Differs, same},
    group::{CREATOR, GRACE, Group, HOLD, Link, NOT_THERE, Say, USERS, User},
};
use crate::harness::{Answer, Api, App, Client, World};
use serde_json::{Value, json};
use std::collections::HashMap;

/// One thing that a client, the business's server or the machine does.
#[derive(Clone, Debug)]
pub enum Op {
    /// Subscribes; logs in before, if need be.
    Join(User),
    Leave(User),
    Publish(User, Say),
    /// The socket ends without a word.
    Vanish(User),
    /// It closes normally.
    Goodbye(User),
    /// The same device connects again. `back`: it subscribes as well, and asks for what came after the
    /// last position it saw, or one so far before that.
    Return {
        user: User,
        back: Option<u64>,
    },
    TakeOver(User),
    Wait(u64),
    Restart,
    Send(Say),
    Ban(Vec<User>),
    Unban,
    AddBand(Vec<User>),
    RemoveBand(Vec<User>),
    ModifyBand {
        all: Option<bool>,
        muted: Option<Vec<User>>,
        except: Option<Vec<User>>,
    },
    Kick(User),
    /// Of the messages that were sent, counted from the newest.
    DeleteMessage(usize),
    SetAdmins(Vec<User>),
    DeleteGroup,
    RecoverGroup,
}

impl Op {
    /// The operation of the API that it is, if it is one.
    fn action(&self) -> Option<&'static str> {
        Some(match self {
            Op::Send(_) => "SendLiveMessageGroup",
            Op::Ban(_) => "BanLiveMessageGroup",
            Op::Unban => "UnbanLiveMessageGroup",
            Op::AddBand(_) => "AddLiveMessageGroupBand",
            Op::RemoveBand(_) => "RemoveLiveMessageGroupBand",
            Op::ModifyBand { .. } => "ModifyLiveMessageGroupBand",
            Op::Kick(_) => "KickLiveMessageGroupUser",
            Op::DeleteMessage(_) => "DeleteLiveMessageGroupMessage",
            Op::SetAdmins(_) => "ModifyLiveMessageGroup",
            Op::DeleteGroup => "DeleteLiveMessageGroup",
            Op::RecoverGroup => "RecoverLiveMessageDeletedGroup",
            _ => return None,
        })
    }
}

const CHANNEL: &str = "group:g1";

pub struct Driver<'a> {
    world: &'a mut World,
    api: Api,
    app: App,
    model: Group,
    clients: [Option<Client>; USERS],
    /// Highest position that each user saw.
    seen: [u64; USERS],
    epoch: Value,
    /// The ids of messages by their bodies, as far as anybody was told them.
    tids: HashMap<String, String>,
    spoken: usize,
}

impl<'a> Driver<'a> {
    /// The group stands, and its creator is in it.
    pub fn new(world: &'a mut World) -> Result<Driver<'a>, Differs> {
        let api = world.api();
        // Callbacks are another subject.
        let app = api.app("");
        let group = [("AppId", &*app.id), ("GroupId", "g1"), ("CreatorId", "u0"), ("Administrators", "u1")];
        api.ok("CreateLiveMessageGroup", &group);
        let (model, clients) = (Group { admins: vec![1], ..Group::default() }, Default::default());
        let mut driver = Driver { world, api, app, model, clients, seen: [0; USERS], epoch: Value::Null, tids: HashMap::new(), spoken: 0 };
        driver.step(&Op::Join(CREATOR))?;
        Ok(driver)
    }

    pub fn step(&mut self, op: &Op) -> Result<(), Differs> {
        let before = self.state();
        self.apply(op)?;
        self.compare_heard(before, matches!(op, Op::Restart))?;
        self.compare_views()
    }

    fn apply(&mut self, op: &Op) -> Result<(), Differs> {
        match op {
            Op::Join(user) => self.subscribe(*user, None),
            Op::Leave(user) => {
                self.connected(*user)?.ok("unsubscribe", json!({"channel": CHANNEL}));
                self.model.remove(*user);
                Ok(())
            }
            Op::Publish(user, say) => {
                let body = self.body();
                let data = json!({
                    "body": body, "type": say.kind, "increase": say.increase, "tid": say.tid, "no_storage": say.no_storage, "no_cache": say.no_cache,
                });
                let reply = self.connected(*user)?.ask("publish", json!({"channel": CHANNEL, "data": data}));
                same("publish", answered(&reply, "publish").map(drop), self.model.publish(*user, &body, say.clone()))
            }
            Op::Vanish(user) => self.lose(*user, GRACE),
            Op::Goodbye(user) => self.lose(*user, HOLD),
            Op::Return { user, back } => {
                self.connect(*user, self.device(*user))?;
                back.map_or(Ok(()), |back| self.subscribe(*user, Some(back)))
            }
            Op::TakeOver(user) => self.connect(*user, 1 - self.device(*user)),
            Op::Wait(ms) => {
                self.world.advance(*ms);
                self.model.wait(*ms);
                Ok(())
            }
            Op::Restart => self.restart(),
            Op::Send(say) => self.send(say),
            Op::Ban(except) => self.call(op, &[("ExceptUsers", &names(except))], |model| model.modify_band(Some(true), None, Some(except))),
            Op::Unban => self.call(op, &[], |model| model.modify_band(Some(false), None, None)),
            Op::AddBand(users) => self.call(op, &[("BannedUsers", &names(users))], |model| model.add_band(users)),
            Op::RemoveBand(users) => self.call(op, &[("UnbannedUsers", &names(users))], |model| model.remove_band(users)),
            Op::ModifyBand { all, muted, except } => {
                // A white list without a group mute is not documented.
                let except = except.as_ref().filter(|_| all.unwrap_or(self.model.muted_all));
                let (banned_all, banned, excepted) = (all.map(|all| all.to_string()), muted.as_deref().map(names), except.map(|e| names(e)));
                let given = [("BannedAll", banned_all), ("BannnedUsers", banned), ("ExceptUsers", excepted)];
                let given: Vec<(&str, &str)> = given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
                if given.is_empty() { Ok(()) } else { self.call(op, &given, |model| model.modify_band(*all, muted.as_deref(), except.map(Vec::as_slice))) }
            }
            Op::Kick(user) => self.call(op, &[("KickoffUser", &format!("u{user}"))], |model| model.kick(*user)),
            Op::DeleteMessage(nth) => self.delete_message(op, *nth),
            Op::SetAdmins(admins) => self.call(op, &[("ModifyAdmin", "true"), ("AdminList", &names(admins))], |model| model.set_admins(admins)),
            Op::DeleteGroup => self.call(op, &[], Group::delete),
            // Of a group that lives it is not documented.
            Op::RecoverGroup if !self.model.deleted => Ok(()),
            Op::RecoverGroup => self.call(op, &[], Group::recover),
        }
    }

    // --- clients ---

    /// The user's present device, or its first one.
    fn device(&self, user: User) -> u8 {
        match self.model.links[user] {
            Link::On { device, .. } | Link::Lost { device, .. } => device,
            Link::Off => 0,
        }
    }

    fn connect(&mut self, user: User, device: u8) -> Result<(), Differs> {
        let resumes = self.model.connect(user, device);
        let (name, expires) = (format!("u{user}"), self.world.seconds() + 86_400);
        let client = Client::login(self.world.server.running().sessions, &self.app.login(&name, expires, ""), &format!("d{device}"));
        same(format!("{name} resumes"), client.resumed(), resumes)?;
        let groups = if self.model.members.contains(&user) { json!(["g1"]) } else { json!([]) };
        same(format!("groups that {name} has"), &client.hello["data"]["groups"], &groups)?;
        if let Some(mut old) = self.clients[user].replace(client) {
            same(format!("the earlier socket of {name}"), old.closed().0, 4501)?;
        }
        Ok(())
    }

    fn connected(&mut self, user: User) -> Result<&mut Client, Differs> {
        if self.clients[user].is_none() {
            self.connect(user, self.device(user))?;
        }
        Ok(self.clients[user].as_mut().expect("just connected"))
    }

    fn lose(&mut self, user: User, held: u64) -> Result<(), Differs> {
        let Some(client) = self.clients[user].take() else { return Ok(()) };
        if held == HOLD {
            client.close(1000)
        } else {
            client.vanish()
        }
        self.world.server.settle();
        self.model.lose(user, held);
        Ok(())
    }

    fn subscribe(&mut self, user: User, back: Option<u64>) -> Result<(), Differs> {
        let since = back.map(|back| self.seen[user].saturating_sub(back));
        let ask = json!({"channel": CHANNEL, "join_leave": true, "recover": since.is_some(), "offset": since, "epoch": self.epoch});
        let reply = self.connected(user)?.ask("subscribe", ask);
        let missed = self.model.subscribe(user, since);
        let (got, missed) = match (answered(&reply, "subscribe"), missed) {
            (Ok(got), Ok(missed)) => (got, missed),
            (got, missed) => return same("subscribe", got.map(drop), missed.map(drop)),
        };
        if self.epoch.is_null() {
            self.epoch = got["epoch"].clone();
        }
        same("epoch", &got["epoch"], &self.epoch)?;
        same("position", got["offset"].as_u64(), Some(since.unwrap_or(self.model.top)))?;
        same("recovered", got["recovered"].as_bool(), since.map(|_| true))?;
        let publications = got["publications"].as_array().cloned().unwrap_or_default();
        let lines: Vec<String> = publications.iter().map(said).collect();
        same(format!("what u{user} missed since {since:?}"), lines, missed.iter().map(|m| m.line()).collect())?;
        let last = publications.last().and_then(|p| p["offset"].as_u64());
        self.seen[user] = last.or(since).unwrap_or(self.model.top);
        let group = &got["data"];
        same("online and total of a join", (&group["online"], &group["total"]), (&json!(self.model.members.len()), &json!(self.model.joins)))?;
        same("amounts of a join", &group["amounts"], &self.amounts())?;
        same("administrators of a join", users(&group["admins"]), sorted(&self.model.admins))?;
        let muted = (group["muted_all"] == true, users(&group["muted"]), users(&group["unmuted"]));
        same("mutes of a join", muted, self.mutes())
    }

    fn restart(&mut self) -> Result<(), Differs> {
        self.world.server.restart();
        self.model.restart();
        self.api = self.world.api();
        for client in self.clients.iter_mut().filter_map(Option::take) {
            let mut client = client;
            same("a restart closes", client.closed().0, 3001)?;
        }
        Ok(())
    }

    // --- the business's server ---

    fn ask(&self, action: &str, params: &[(&str, &str)]) -> Answer {
        let mut all = vec![("AppId", &*self.app.id), ("GroupId", "g1")];
        all.extend_from_slice(params);
        self.api.call(action, &all).v3()
    }

    /// The same in the model; a failure must say that something is not there.
    fn call(&mut self, op: &Op, params: &[(&str, &str)], model: impl FnOnce(&mut Group) -> Result<(), u64>) -> Result<(), Differs> {
        let answer = self.ask(op.action().expect("it is an operation of the API"), params);
        same(format!("{op:?} ({})", answer.body), outcome(&answer), model(&mut self.model))
    }

    fn send(&mut self, say: &Say) -> Result<(), Differs> {
        let body = self.body();
        let (kind, increase) = (say.kind.to_string(), say.increase.to_string());
        let (no_storage, no_cache) = (say.no_storage.to_string(), say.no_cache.to_string());
        let mut params = vec![("SenderId", "shop"), ("Body", &*body), ("MsgType", &*kind), ("StaticsIncrease", &*increase)];
        params.extend([("NoStorage", &*no_storage), ("NoCache", &*no_cache)]);
        params.extend(say.tid.as_deref().map(|tid| ("MsgTid", tid)));
        let answer = self.ask("SendLiveMessageGroup", &params);
        if let Some(tid) = answer.body["MsgTid"].as_str().filter(|_| say.tid.is_none()) {
            self.tids.insert(body.clone(), tid.to_owned());
        }
        same("SendLiveMessageGroup", outcome(&answer), self.model.send(&body, say.clone()))
    }

    fn delete_message(&mut self, op: &Op, nth: usize) -> Result<(), Differs> {
        // What becomes of the messages of a deleted group by this is not documented, nor of what was deleted before.
        let found = self.model.messages.iter().rev().filter(|m| m.seq.is_some() && !m.deleted).nth(nth).map(|m| (m.body.clone(), m.tid.clone()));
        let (body, tid) = match found {
            _ if self.model.deleted => return Ok(()),
            Some((body, tid)) => {
                let Some(tid) = tid.or_else(|| self.tids.get(&body).cloned()) else { return Ok(()) };
                (body, tid)
            }
            None => ("none".into(), "no-such-tid".into()),
        };
        self.tids.insert(body.clone(), tid.clone());
        self.call(op, &[("MessageId", &tid), ("DeleterId", "u0")], |model| model.delete_message(&body))
    }

    fn body(&mut self) -> String {
        self.spoken += 1;
        format!("m{}", self.spoken)
    }

    // --- comparing ---

    /// What members are told of when it changes: mutes, administrators, and who is attached.
    fn state(&self) -> State {
        (self.mutes(), sorted(&self.model.admins), self.model.attached.iter().copied().collect())
    }

    /// Everybody heard exactly what the model says, in that order; of who came and went at once, the order is free.
    fn compare_heard(&mut self, before: State, restarted: bool) -> Result<(), Differs> {
        let after = self.state();
        for user in 0..USERS {
            let expected = std::mem::take(&mut self.model.heard[user]);
            let Some(client) = &mut self.clients[user] else { continue };
            let (mut heard, mut states) = (Vec::new(), Vec::new());
            for push in client.heard() {
                let publication = &push["pub"];
                self.seen[user] = self.seen[user].max(publication["offset"].as_u64().unwrap_or(0));
                if let (Some(body), Some(tid)) = (publication["data"]["body"].as_str(), publication["data"]["tid"].as_str()) {
                    self.tids.insert(body.to_owned(), tid.to_owned());
                }
                match publication["tags"]["event"].as_str() {
                    Some("group.mute") => {
                        let data = &publication["data"];
                        states.push(format!("{:?}", (data["muted_all"] == true, users(&data["muted"]), users(&data["unmuted"]))));
                    }
                    Some("group.info") => states.push(format!("{:?}", users(&publication["data"]["admins"]))),
                    Some("message.deleted") if publication.get("offset").is_none() => heard.push(deleted(&self.tids, &publication["data"])),
                    _ => heard.push(line(&push)),
                }
            }
            let order = |lines: Vec<String>| {
                let (mut presence, rest): (Vec<String>, Vec<String>) = lines.into_iter().partition(|l| l.starts_with("joined") || l.starts_with("left"));
                presence.sort();
                (presence, rest)
            };
            same(format!("what u{user} heard"), order(heard), order(expected))?;
            if before.2.contains(&user) && after.2.contains(&user) && !restarted {
                let mutes = (before.0 != after.0).then(|| format!("{:?}", after.0));
                let admins = (before.1 != after.1).then(|| format!("{:?}", after.1));
                same(format!("what u{user} heard of mutes and administrators"), states, mutes.into_iter().chain(admins).collect())?;
            }
        }
        Ok(())
    }

    fn compare_views(&self) -> Result<(), Differs> {
        let (model, group) = (&self.model, self.ask("DescribeLiveMessageGroup", &[]).body);
        same("Delete", &group["Delete"], &json!(model.deleted))?;
        same("AdminList", users(&group["AdminList"]), sorted(&model.admins))?;
        if !model.deleted {
            same("MsgAmount", &group["MsgAmount"], &self.amounts())?;
            let counts = (&group["OnlineUserCounts"], &group["TotalTimes"]);
            same("OnlineUserCounts and TotalTimes", counts, (&json!(model.members.len()), &json!(model.joins)))?;
            same("SuperLargeGroup", &group["SuperLargeGroup"], &json!(false))?;
        }
        if !model.deleted {
            let band = self.ask("DescribeLiveMessageGroupBand", &[]).body;
            let mutes = (band["IsbannedAll"] == true, users(&band["BannedUserList"]), users(&band["UnbannedUserList"]));
            same("DescribeLiveMessageGroupBand", mutes, self.mutes())?;
        }
        let list = self.ask("ListLiveMessageGroupMessages", &[("SortType", "1"), ("PageSize", "50")]).body;
        let row = |m: &Value| format!("{} {} type {} total {}", m["SeqNumber"], m["Body"], m["MsgType"], m["TotalMessages"]);
        let listed: Vec<String> = list["MessageList"].as_array().map(|l| l.iter().map(row).collect()).unwrap_or_default();
        let stored = model.messages.iter().filter(|m| m.stored && !m.deleted);
        let expected = stored.filter_map(|m| Some(format!("{} {:?} type {} total {}", m.seq?, m.body, m.kind, m.total)));
        same("ListLiveMessageGroupMessages", listed, expected.collect())?;
        let everybody = names(&(0..USERS).collect::<Vec<User>>());
        let online = self.ask("CheckLiveMessageUsersOnline", &[("UserIds", &everybody)]).body;
        same("CheckLiveMessageUsersOnline", yes(&online["UserList"]), (0..USERS).filter(|u| model.links[*u] != Link::Off).collect())?;
        if !model.deleted {
            let list = self.ask("ListLiveMessageGroupUsers", &[("SortType", "1"), ("PageSize", "10")]).body;
            let ids: Vec<&str> = list["UserList"].as_array().map(|l| l.iter().filter_map(|u| u["UserId"].as_str()).collect()).unwrap_or_default();
            same("ListLiveMessageGroupUsers", ids.join(","), names(&model.members))?;
        }
        if !model.deleted {
            let asked = self.ask("CheckLiveMessageUsersInGroup", &[("UserIds", &everybody)]).body;
            same("CheckLiveMessageUsersInGroup", yes(&asked["Users"]), sorted(&model.members))?;
        }
        Ok(())
    }

    fn amounts(&self) -> Value {
        json!(self.model.amounts)
    }

    fn mutes(&self) -> (bool, Vec<User>, Vec<User>) {
        let list = |set: &std::collections::BTreeSet<User>| set.iter().copied().collect();
        (self.model.muted_all, list(&self.model.muted), list(&self.model.unmuted))
    }
}

type State = ((bool, Vec<User>, Vec<User>), Vec<User>, Vec<User>);

fn names(users: &[User]) -> String {
    users.iter().map(|user| format!("u{user}")).collect::<Vec<_>>().join(",")
}

fn number(name: &str) -> User {
    name.strip_prefix('u').and_then(|n| n.parse().ok()).unwrap_or(usize::MAX)
}

fn sorted(users: &[User]) -> Vec<User> {
    let mut users = users.to_vec();
    users.sort();
    users
}

/// A list of names, in order of the users.
fn users(list: &Value) -> Vec<User> {
    let names = list.as_array().into_iter().flatten();
    sorted(&names.map(|name| number(name.as_str().unwrap_or_default())).collect::<Vec<User>>())
}

/// Of a list of users with `Online`, those with true.
fn yes(list: &Value) -> Vec<User> {
    let listed = list.as_array().into_iter().flatten().filter(|user| user["Online"] == true);
    sorted(&listed.map(|user| number(user["UserId"].as_str().unwrap_or_default())).collect::<Vec<User>>())
}

/// The result of a command, or the code of its error.
pub fn answered(reply: &Value, method: &str) -> Result<Value, u64> {
    match reply["error"]["code"].as_u64() {
        Some(code) => Err(code),
        None => Ok(reply[method].clone()),
    }
}

fn outcome(answer: &Answer) -> Result<(), u64> {
    match answer.error() {
        (200, _) => Ok(()),
        (404, "ResourceNotExist") => Err(NOT_THERE),
        (status, _) => Err(status.into()),
    }
}

/// A push in the words of the model.
fn line(push: &Value) -> String {
    if let Some(join) = push.get("join") {
        format!("joined {}", join["info"]["user"].as_str().unwrap_or_default())
    } else if let Some(leave) = push.get("leave") {
        format!("left {}", leave["info"]["user"].as_str().unwrap_or_default())
    } else if let Some(unsubscribed) = push.get("unsubscribe") {
        format!("put out {}", unsubscribed["code"])
    } else {
        said(&push["pub"])
    }
}

/// A publication in the words of the model; ids that the server made are left out.
fn said(publication: &Value) -> String {
    let (data, offset) = (&publication["data"], publication["offset"].as_u64().unwrap_or(0));
    let tid = data["tid"].as_str().filter(|tid| tid.starts_with("t-")).unwrap_or_default();
    let event = publication["tags"]["event"].as_str().unwrap_or_default();
    format!("said {} {tid:?} type {} total {} offset {offset} {event}", data["body"], data["type"], data["total"])
}

/// That a message was deleted, told by its id.
fn deleted(tids: &HashMap<String, String>, data: &Value) -> String {
    let tid = data["tid"].as_str().unwrap_or_default();
    let body = tids.iter().find(|(_, t)| *t == tid).map_or(tid, |(body, _)| body);
    format!("deleted {body:?}")
}
