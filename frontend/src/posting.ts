// A form's values sent for an answer, or a refusal that says why.
export class Refused extends Error {
  constructor(
    why: string,
    readonly code = "",
  ) {
    super(why);
  }
}

export async function posted(path: string, values: URLSearchParams, signal: AbortSignal | null = null): Promise<Response> {
  const answer = await fetch(path, { method: "POST", body: values, headers: { accept: "application/json" }, signal });
  if (answer.status === 401) location.assign("/sign-in");
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const faults = ((problem.errors ?? []) as { detail: string }[]).map((each) => each.detail).filter((each) => /\s/.test(each));
  throw new Refused([problem.detail || problem.title || "It was refused.", ...faults].join(" "), String(problem.code ?? ""));
}
