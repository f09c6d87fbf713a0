//! Messages from one user to another (`tencent.md` §5.4): sent in a user's name, looked up, taken back; and who is there to
//! read them. One is known by its MsgKey: `{MsgSeq}_{MsgRandom}_{seconds}`.

use super::{
    command::{Call, told},
    elements,
    error::{Code, Family, RestError},
    message::{self, Options},
    names::platform,
    rest::Outcome,
};
use crate::domain::{
    Millis, Refusal, UserId,
    account::{Linked, UserState},
    direct::{self, Chat, Direct, DirectDraft, DirectPage},
    message::{Draft, Sender, number_of},
    request::{Answer, Deleter, Request},
};
use serde::Serialize;
use serde_json::value::RawValue;

const FROM: &str = "From_Account";
const TO: &str = "To_Account";
/// Users in one call.
const MOST: usize = 500;
/// Seconds that a message can be kept for at most.
const MAX_LIFETIME: i64 = 7 * 24 * 3_600;
/// One call goes on so long at most, in ms: each of many messages may be asked about first.
const PATIENCE: u64 = 10_000;
/// Messages on a page, and about the bytes of it that are not gone over.
const PAGE: u32 = 100;
const PAGE_BYTES: usize = 13_000;
/// Bytes of a MsgKey.
const MAX_KEY: usize = 50;

#[derive(Serialize)]
struct Failed {
    #[serde(rename = "To_Account")]
    user: String,
    #[serde(rename = "ErrorCode")]
    code: u32,
}

/// A message as it is sent to each of its receivers.
struct Letter {
    from: UserId,
    chat: Chat,
    draft: Draft,
}

pub fn send(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Sent {
        msg_time: i64,
        msg_key: String,
    }
    let to = receiver(call, TO)?;
    let letter = letter(call)?;
    match post(call, &letter, to) {
        Ok(at) => told(&Sent { msg_time: at, msg_key: key(&letter.chat, at) }),
        Err(why) => Err(refused(call, &letter.from, &why)),
    }
}

/// All have the same MsgKey. Who could not be reached is listed, and the whole is no error.
pub fn send_many(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Sent {
        msg_key: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        error_list: Vec<Failed>,
    }
    call.body.at_most(TO, MOST, Code::TooManyReceivers)?;
    let receivers = call.body.telling(Code::BadReceiver).some_users(TO, MOST)?;
    let letter = letter(call)?;
    let (began, mut time, mut error_list) = (call.gateway.clock.tick(), None, Vec::new());
    for to in receivers {
        let user = to.to_string();
        let done = if call.gateway.clock.tick().since(began) < PATIENCE { post(call, &letter, to) } else { Err(Refusal::Busy) };
        match done {
            Ok(at) => _ = time.get_or_insert(at),
            // It is the message's own fault, whoever gets it.
            Err(why @ Refusal::MessageTooLong { .. }) => return Err(refused(call, &letter.from, &why)),
            Err(Refusal::NoSuchAccount(missing)) if missing == letter.from.as_str() => {
                return Err(refused(call, &letter.from, &Refusal::NoSuchAccount(missing)));
            }
            Err(Refusal::NoSuchAccount(_)) => error_list.push(Failed { user, code: Code::NoSuchAccount as u32 }),
            Err(why) => error_list.push(Failed { user, code: Family::C2c.refusal(&why).number }),
        }
    }
    let at = time.unwrap_or_else(|| call.now().seconds());
    told(&Sent { msg_key: key(&letter.chat, at), error_list })
}

/// A user that is referred to. Its error tells which of the two it is.
fn user(call: &Call, field: &str, code: Code) -> Result<UserId, RestError> {
    call.body.telling(code).some_user(field)
}

fn receiver(call: &Call, field: &str) -> Result<UserId, RestError> {
    user(call, field, Code::BadReceiver)
}

fn letter(call: &Call) -> Result<Letter, RestError> {
    let from = match call.body.telling(Code::BadSender).text(FROM, 0)? {
        None | Some("") => UserId::new(call.caller).map_err(|_| call.body.missing(FROM))?,
        Some(_) => user(call, FROM, Code::BadSender)?,
    };
    let random = call.body.telling(Code::BadRandom).some_number("MsgRandom")?;
    // 2: the sender's own clients do not get it.
    let sync = call.body.telling(Code::BadSync).int("SyncOtherMachine", 1, 2)? != Some(2);
    let lifetime = call.body.telling(Code::BadLifetime).int("MsgLifeTime", 0, i64::MAX)?;
    if lifetime.is_some_and(|seconds| seconds > MAX_LIFETIME) {
        return Err(call.body.telling(Code::LifetimeTooLong).bad("MsgLifeTime", format!("must be at most {MAX_LIFETIME} seconds")));
    }
    let seq = call.body.number("MsgSeq")?.unwrap_or_else(|| call.gateway.ids.number() as u32); // any will do
    call.body.bit("IsNeedReadReceipt")?;
    let mut draft = message::draft(call, random, Options::default())?;
    // For who is there, or for all time: nothing in between is kept track of.
    draft.no_storage = lifetime == Some(0);
    draft.no_cache = draft.no_storage;
    Ok(Letter { from, chat: Chat { seq, random, sync }, draft })
}

/// Returns when it was sent, in seconds.
fn post(call: &Call, letter: &Letter, receiver: UserId) -> Result<i64, Refusal> {
    let sender = Sender { user: letter.from.clone(), info: String::new(), client: None };
    let draft = DirectDraft { receiver, draft: letter.draft.clone(), reliable: false, chat: Some(letter.chat) };
    match call.try_with_others(Request::SendDirect { app: call.app.id.clone(), sender, by: call.actor(), draft: Box::new(draft) })? {
        Answer::Sent(said) => Ok(said.at.seconds()),
        // Nobody is to know.
        Answer::Dropped { at, .. } => Ok(at.seconds()),
        other => {
            call.unexpected(&other);
            Err(Refusal::Internal)
        }
    }
}

/// A missing user is told as the one that it is.
fn refused(call: &Call, from: &UserId, why: &Refusal) -> RestError {
    let error = call.family.refusal(why);
    match why {
        Refusal::NoSuchAccount(missing) if missing == from.as_str() => RestError::new(Code::BadSender, error.info),
        _ => error,
    }
}

fn key(chat: &Chat, seconds: i64) -> String {
    format!("{}_{}_{seconds}", chat.seq, chat.random)
}

/// The parts of a MsgKey.
fn read_key(call: &Call, field: &str, key: &str) -> Result<(u32, u32, i64), RestError> {
    let parts = || {
        let mut parts = key.split('_');
        let read = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(read)
    };
    parts().ok_or_else(|| call.body.telling(Code::BadMessageKey).bad(field, format!("is {key:.64}, and must be as sendmsg or admin_getroammsg returned it")))
}

/// A message as it is looked up.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    #[serde(rename = "From_Account")]
    from: String,
    #[serde(rename = "To_Account")]
    to: String,
    msg_seq: u32,
    msg_random: u32,
    msg_time_stamp: i64,
    /// What was taken back is gone.
    msg_flag_bits: u8,
    is_peer_read: u8,
    msg_key: String,
    msg_body: Box<RawValue>,
    #[serde(skip_serializing_if = "String::is_empty")]
    cloud_custom_data: String,
}

impl From<&Direct> for Said {
    fn from(direct: &Direct) -> Said {
        // What did not come by this API has no numbers of its own.
        let random = if (direct.seq, direct.random) == (0, 0) { number_of(&direct.tid) } else { direct.random };
        let chat = Chat { seq: direct.seq, random, sync: false };
        Said {
            from: direct.sender.to_string(),
            to: direct.receiver.to_string(),
            msg_seq: chat.seq,
            msg_random: chat.random,
            msg_time_stamp: direct.at.seconds(),
            msg_flag_bits: 0,
            is_peer_read: 0,
            msg_key: key(&chat, direct.at.seconds()),
            msg_body: elements::of(&direct.body, direct.kind, direct.elements.as_deref()),
            cloud_custom_data: direct.custom.clone(),
        }
    }
}

/// What two users said to each other: from the newest page to the oldest, but within a page the oldest first. Both
/// generations of names of the two are taken.
pub fn history(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        complete: u8,
        msg_cnt: usize,
        last_msg_time: i64,
        last_msg_key: String,
        msg_list: Vec<Said>,
    }
    let one = user(call, call.body.either("Operator_Account", FROM), Code::BadSender)?;
    let other = receiver(call, call.body.either("Peer_Account", TO))?;
    let limit = call.body.int("MaxCnt", 1, i64::MAX)?.ok_or_else(|| call.body.missing("MaxCnt"))?.min(PAGE.into()) as u32; // in range by now
    let seconds = |field| Ok::<_, RestError>(i64::from(call.body.some_number(field)?));
    let (from, to) = (seconds("MinTime")?, seconds("MaxTime")?);
    let last = match call.body.text("LastMsgKey", MAX_KEY)? {
        None | Some("") => None,
        Some(key) => Some((key, read_key(call, "LastMsgKey", key)?)),
    };
    exist(call, &one, &other)?;
    let mut page = DirectPage { app: call.app.id.clone(), one, other, from: Millis(from * 1000), to: end_of(to), before: None, limit };
    if let Some((key, (_, _, second))) = last {
        page = continued(call, page, key, second)?;
    }
    let found = call.read(call.gateway.ask.directs(&page))?;
    let (mut list, mut bytes, mut more) = (Vec::new(), 0, found.more);
    for direct in &found.messages {
        let said = Said::from(direct);
        bytes += said.msg_body.get().len() + said.cloud_custom_data.len();
        if bytes > PAGE_BYTES && !list.is_empty() {
            more = true;
            break;
        }
        list.push(said);
    }
    list.reverse();
    let (last_msg_time, last_msg_key) = list.first().map_or((0, String::new()), |oldest| (oldest.msg_time_stamp, oldest.msg_key.clone()));
    told(&Found { complete: (!more).into(), msg_cnt: list.len(), last_msg_time, last_msg_key, msg_list: list })
}

/// The last millisecond of a second.
fn end_of(second: i64) -> Millis {
    Millis(second * 1000 + 999)
}

/// The page behind the message of this key, which is looked for in its second. Is it gone, its second is told again.
fn continued(call: &Call, page: DirectPage, key: &str, second: i64) -> Result<DirectPage, RestError> {
    let page = DirectPage { to: page.to.min(end_of(second)), ..page };
    let mut within = DirectPage { from: page.from.max(Millis(second * 1000)), limit: PAGE, ..page.clone() };
    loop {
        let found = call.read(call.gateway.ask.directs(&within))?;
        if let Some(direct) = found.messages.iter().find(|direct| Said::from(*direct).msg_key == key) {
            return Ok(DirectPage { before: Some(direct.tid.clone()), ..page });
        }
        match found.messages.last() {
            Some(oldest) if found.more => within.before = Some(oldest.tid.clone()),
            _ => return Ok(page),
        }
    }
}

/// Both have to be users.
fn exist(call: &Call, one: &UserId, other: &UserId) -> Result<(), RestError> {
    let users = vec![one.clone(), other.clone()];
    match call.ask(Request::Accounts { app: call.app.id.clone(), users })? {
        Answer::Users(users) => match users.iter().find(|(_, there)| !there) {
            Some((missing, _)) => Err(refused(call, one, &Refusal::NoSuchAccount(missing.to_string()))),
            None => Ok(()),
        },
        other => Err(call.unexpected(&other)),
    }
}

pub fn withdraw(call: &Call) -> Outcome {
    let from = user(call, FROM, Code::BadSender)?;
    let receiver = receiver(call, TO)?;
    let key = call.body.telling(Code::BadMessageKey).some_text("MsgKey", MAX_KEY)?;
    let (seq, random, at) = read_key(call, "MsgKey", key)?;
    let tid = direct::chat_tid(seq, random, at, &from);
    let by = Deleter { user: from.to_string(), info: String::new() };
    let answer = call.ask(Request::DeleteDirect { app: call.app.id.clone(), receiver, tid, by }).map_err(|e| match e.code {
        Code::NoSuchDirect => RestError::new(e.code, format!("message {key} from {from} does not exist, or was taken back")),
        _ => e,
    })?;
    call.done(answer)
}

/// A client whose connection is lost for the moment is told as one that could be reached by a push.
pub fn states(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        query_result: Vec<State>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        error_list: Vec<Failed>,
    }
    #[derive(Serialize)]
    struct State {
        #[serde(rename = "To_Account")]
        user: String,
        #[serde(rename = "State")]
        state: &'static str,
        #[serde(rename = "Detail", skip_serializing_if = "Option::is_none")]
        detail: Option<[Client; 1]>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Client {
        platform: &'static str,
        status: &'static str,
    }
    call.body.at_most(TO, MOST, Code::TooManyReceivers)?;
    let list = call.body.telling(Code::BadReceiver).list(TO, MOST)?.unwrap_or_default();
    if list.is_empty() {
        return Err(call.body.telling(Code::BadDirectJson).bad(TO, "must be an array of users with one at least"));
    }
    let users = call.body.telling(Code::BadReceiver).some_users(TO, MOST)?;
    let detailed = call.body.bit("IsNeedDetail")?.unwrap_or(false);
    let (mut query_result, mut error_list) = (Vec::new(), Vec::new());
    match call.ask(Request::UserStates { app: call.app.id.clone(), users })? {
        Answer::UserStates(states) => {
            for (user, found) in states {
                let user = user.to_string();
                let Some(UserState { linked, device }) = found else {
                    error_list.push(Failed { user, code: Code::NoSuchAccount as u32 });
                    continue;
                };
                let state = match linked {
                    Some(Linked::Online) => "Online",
                    Some(Linked::Lost) => "PushOnline",
                    None => "Offline",
                };
                let detail = (detailed && linked.is_some()).then(|| [Client { platform: client(&device), status: state }]);
                query_result.push(State { user, state, detail });
            }
            told(&Found { query_result, error_list })
        }
        other => Err(call.unexpected(&other)),
    }
}

/// Some platforms have another name than in webhooks.
fn client(device: &str) -> &'static str {
    match platform(device) {
        "iOS" => "iPhone",
        "Windows" => "PC",
        other => other,
    }
}
