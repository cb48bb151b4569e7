/**
 * What the telephones of the lab say: scenarios for SIPp.
 *
 * A call has media both ways, is held, then a re-INVITE and a BYE show whether it lives: who survived a
 * move of the floating IP answers both with 200.
 */

/** Places that SIPp itself fills in stand in brackets. */
function request(lines: readonly string[], body: readonly string[] = []): string {
  const content = body.length === 0 ? [] : ['Content-Type: application/sdp']
  const head = [...lines, 'Max-Forwards: 70', ...content, 'Content-Length: [len]']
  return `<![CDATA[\n${[...head, '', ...body].join('\n')}\n]]>`
}

function sdp(version: number): string[] {
  return [
    'v=0',
    `o=lab 1 ${version} IN IP4 [local_ip]`,
    's=-',
    'c=IN IP4 [media_ip]',
    't=0 0',
    'm=audio [rtpstream_audio_port] RTP/AVP 8',
    'a=rtpmap:8 PCMA/8000',
  ]
}

function inDialog(method: string, number: number, uri: string): string[] {
  return [
    `${method} ${uri} SIP/2.0`,
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    '[routes]',
    'From: <sip:caller@[local_ip]>;tag=[pid]c[call_number]',
    '[last_To:]',
    'Call-ID: [call_id]',
    `CSeq: ${number} ${method}`,
    'Contact: <sip:caller@[local_ip]:[local_port];transport=[transport]>',
  ]
}

function scenario(name: string, steps: readonly string[]): string {
  return `<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="${name}">\n${steps.join('\n')}\n</scenario>\n`
}

/** Calls, sends media, holds for `holdMs`, then re-INVITE and BYE. */
export function callerScenario(holdMs: number, mediaFile: string): string {
  const first = request(
    [
      'INVITE sip:svc@[remote_ip] SIP/2.0',
      'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
      'From: <sip:caller@[local_ip]>;tag=[pid]c[call_number]',
      'To: <sip:svc@[remote_ip]>',
      'Call-ID: [call_id]',
      'CSeq: 1 INVITE',
      'Contact: <sip:caller@[local_ip]:[local_port];transport=[transport]>',
    ],
    sdp(1),
  )
  return scenario('caller', [
    `<send retrans="500">${first}</send>`,
    '<recv response="100" optional="true"/>',
    '<recv response="180" optional="true"/>',
    '<recv response="200" rrs="true"/>',
    `<send>${request(inDialog('ACK', 1, '[next_url]'))}</send>`,
    `<nop><action><exec rtp_stream="${mediaFile},-1,8,PCMA/8000"/></action></nop>`,
    `<pause milliseconds="${holdMs}"/>`,
    `<send retrans="500">${request(inDialog('INVITE', 2, '[next_url]'), sdp(2))}</send>`,
    '<recv response="100" optional="true"/>',
    '<recv response="200"/>',
    `<send>${request(inDialog('ACK', 2, '[next_url]'))}</send>`,
    '<pause milliseconds="500"/>',
    `<send retrans="500">${request(inDialog('BYE', 3, '[next_url]'))}</send>`,
    '<recv response="200"/>',
    '<nop><action><exec rtp_stream="pause"/></action></nop>',
  ])
}

function answer(status: string, body: readonly string[] = []): string {
  return request(
    [
      `SIP/2.0 ${status}`,
      '[last_Via:]',
      '[last_Record-Route:]',
      '[last_From:]',
      '[last_To:];tag=[pid]u[call_number]',
      '[last_Call-ID:]',
      '[last_CSeq:]',
      'Contact: <sip:svc@[local_ip]:[local_port];transport=[transport]>',
    ],
    body,
  )
}

function answerInDialog(status: string, body: readonly string[] = []): string {
  return answer(status, body).replace(';tag=[pid]u[call_number]', '')
}

/** Answers after it rang for `ringMs`, sends media, and answers what comes in the call. */
export function calleeScenario(ringMs: number, mediaFile: string): string {
  return scenario('callee', [
    '<recv request="INVITE" crlf="true"/>',
    `<send>${answer('180 Ringing')}</send>`,
    `<pause milliseconds="${ringMs}"/>`,
    `<send retrans="500">${answer('200 OK', sdp(1))}</send>`,
    '<recv request="ACK"/>',
    `<nop><action><exec rtp_stream="${mediaFile},-1,8,PCMA/8000"/></action></nop>`,
    '<recv request="INVITE"/>',
    `<send retrans="500">${answerInDialog('200 OK', sdp(2))}</send>`,
    '<recv request="ACK"/>',
    '<recv request="BYE"/>',
    `<send>${answerInDialog('200 OK')}</send>`,
    '<nop><action><exec rtp_stream="pause"/></action></nop>',
  ])
}

/** Registers `svc` at the pair, with the callee's place as its contact. */
export function registerScenario(contact: string): string {
  const lines = [
    'REGISTER sip:[remote_ip] SIP/2.0',
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    'From: <sip:svc@[remote_ip]>;tag=[pid]r[call_number]',
    'To: <sip:svc@[remote_ip]>',
    'Call-ID: [call_id]',
    'CSeq: 1 REGISTER',
    `Contact: <sip:svc@${contact}>`,
    'Expires: 3600',
  ]
  return scenario('register', [
    `<send retrans="500">${request(lines)}</send>`,
    '<recv response="100" optional="true"/>',
    '<recv response="200"/>',
  ])
}
