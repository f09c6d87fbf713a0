//! What messages to a group and to one user have in common as calls (`tencent.md` §5.3, §5.4): what they are made of,
//! and what may not be asked or told about them. Where they go is in the file of the service.

use super::{
    command::{Call, told},
    elements::{self, Elements, Flaw},
    error::{Code, Family, RestError},
    rest::Outcome,
};
use crate::domain::{message::Draft, request::Answer, sending::Dropped};
use serde::Serialize;

const BODY: &str = "MsgBody";
/// Words in a list of switches; undocumented, and there are not so many.
const MOST_SWITCHES: usize = 20;
/// Bytes of one of them, and of a named filter.
const MAX_SWITCH: usize = 100;
/// What a message is that many others of the same second left no room for.
const DROPPED: &str = "MsgFreqCtrl";

/// How clients are to treat a message, in the words of `session.md` §3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Options {
    /// Who is to be told that it is meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_unread: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_last: bool,
    /// Clients may add to it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub extension: bool,
}

impl Options {
    /// `None`: as usual.
    fn to_json(&self) -> Option<String> {
        (*self != Options::default()).then(|| serde_json::to_string(self).expect("texts and switches"))
    }
}

/// What the call wants to be said. How long it may be is looked at where it is sent: its refusal is told the business, too.
pub fn draft(call: &Call, random: u32, options: Options) -> Result<Draft, RestError> {
    let Elements { json, body } = elements(call)?;
    let forbidden = switches(call, "ForbidCallbackControl")?;
    let control = switches(call, "SendMsgControl")?;
    let options = Options { no_unread: control.contains(&"NoUnread"), no_last: control.contains(&"NoLastMsg"), ..options };
    let mut draft = Draft {
        elements: Some(json),
        custom: call.body.text("CloudCustomData", 0)?.unwrap_or_default().into(),
        random: Some(random),
        options: options.to_json(),
        forbid_before: forbidden.contains(&"ForbidBeforeSendMsgCallback"),
        forbid_after: forbidden.contains(&"ForbidAfterSendMsgCallback"),
        ..Draft::text(body)
    };
    // What phones show while the app sleeps: nothing is pushed to them from here, so it is not looked into.
    call.body.part("OfflinePushInfo")?;
    call.gateway.words.look_up(&call.app, &mut draft);
    Ok(draft)
}

/// Each service has its codes for what is wrong.
fn elements(call: &Call) -> Result<Elements, RestError> {
    let codes = match call.family {
        Family::C2c => [Code::ElementsNoArray, Code::BadElements, Code::BadElement],
        family => [family.bad_parameter(); 3],
    };
    let text = call.raw(BODY).ok_or_else(|| call.body.telling(codes[1]).missing(BODY))?;
    elements::read(text).map_err(|flaw| {
        let (code, why) = match flaw {
            Flaw::NotArray(why) => (codes[0], why),
            Flaw::Shape(why) => (codes[1], why),
            Flaw::Content(why) => (codes[2], why),
        };
        call.body.telling(code).bad(BODY, why)
    })
}

/// Words that there are not are passed over: editions of the documents differ.
fn switches<'a>(call: &Call<'a>, name: &str) -> Result<Vec<&'a str>, RestError> {
    call.body.texts(name, call.body.list(name, MOST_SWITCHES)?.unwrap_or_default(), MAX_SWITCH)
}

/// What became of a message to a group. Many in a second are no error, and what the business does not want said neither.
pub fn answer(call: &Call, answer: Answer) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Sent {
        msg_time: i64,
        msg_seq: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        msg_drop_reason: Option<&'static str>,
    }
    match answer {
        Answer::Sent(said) => told(&Sent { msg_time: said.at.seconds(), msg_seq: said.seq.unwrap_or(0), msg_drop_reason: None }),
        Answer::Dropped { why, at } => told(&Sent { msg_time: at.seconds(), msg_seq: 0, msg_drop_reason: (why == Dropped::TooMany).then_some(DROPPED) }),
        other => Err(call.unexpected(&other)),
    }
}
