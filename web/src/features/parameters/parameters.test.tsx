import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fake_network, type Asked } from '@testing/network';
import { render_in_page } from '@testing/render';
import { no_parameters, useParameters } from '@/state/parameters';
import { is_dynamic } from './Expansion';
import { InvokeBar } from './InvokeBar';
import { PromptBox } from './PromptBox';
import { SettingControl } from './SettingControl';

const reading = (prompt: string) => ({
  tokens: prompt.split(' ').length,
  limit: 75,
  parts: [
    { text: 'a', weight: 1, tokens: 1 },
    { text: 'fox', weight: 1.21, tokens: 1 },
  ],
  tree: [],
  notes: [{ column: 3, message: 'a bracket is never closed' }],
});

let asked: Asked[];
beforeEach(() => {
  useParameters.setState(no_parameters);
  asked = fake_network({
    'POST prompt/parse': (body: unknown) => {
      const { prompt } = body as { prompt: string };
      return { positive: reading(prompt), negative: reading('') };
    },
    'POST jobs': { id: 'j', revision: 1, values: {}, results: [] },
  });
});
afterEach(() => vi.unstubAllGlobals());
const user = userEvent.setup();

describe('a setting made from the table of the server', () => {
  test('what is typed is bounded when the field is left', async () => {
    render_in_page(<SettingControl name="steps" />);
    const field = await screen.findByRole('textbox', { name: 'Steps' });
    expect(field).toHaveProperty('value', '50');
    await user.clear(field);
    await user.type(field, '123456');
    await user.tab();
    expect(useParameters.getState().values.steps).toBe(999);
    await user.clear(field);
    await user.type(field, 'many{Enter}');
    expect(useParameters.getState().values.steps).toBe(999);
  });
  test('its default is not sent', async () => {
    useParameters.setState({ values: { steps: 20 } });
    render_in_page(<SettingControl name="steps" />);
    const field = await screen.findByRole('textbox', { name: 'Steps' });
    await user.clear(field);
    await user.type(field, '50{Enter}');
    expect(useParameters.getState().values).toEqual({});
  });
  test('flags are switches with a help', async () => {
    render_in_page(<SettingControl name="seamless" />);
    await user.click(await screen.findByRole('switch', { name: 'Seamless' }));
    expect(useParameters.getState().values.seamless).toBe(true);
    await user.click(screen.getByRole('button', { name: 'Help about Seamless' }));
    await screen.findByText(/^Edges fit each other/);
  });
  test('what the model recommends is shown, said and come back to', async () => {
    asked = fake_network({
      'GET app': { samplers: [], model: { recommended: { cfg_scale: 2, sampler_name: 'ddim' } } },
    });
    render_in_page(<SettingControl name="cfg_scale" />);
    const field = await screen.findByRole('textbox', { name: 'Guidance' });
    await waitFor(() => expect(field).toHaveProperty('value', '2'));
    await user.click(screen.getByRole('button', { name: 'Help about Guidance' }));
    await screen.findByText(/The model recommends 2/);
    await user.keyboard('{Escape}');
    await user.clear(field);
    await user.type(field, '7.5{Enter}');
    expect(useParameters.getState().values.cfg_scale).toBe(7.5); // the server's default is not meant
    await user.click(screen.getByRole('button', { name: /Back to 2, as the model recommends/ }));
    expect(useParameters.getState().values).toEqual({});
    expect(field).toHaveProperty('value', '2');
  });
  test('a setting the server does not have is not shown', async () => {
    const { container } = render_in_page(<SettingControl name="facetool_strength" />);
    await waitFor(() => expect(asked.map((one) => one.route)).toContain('GET settings/schema'));
    expect(container.textContent).toBe('');
  });
});

describe('the prompt box', () => {
  test('shows weights and remarks as the parser has them', async () => {
    render_in_page(<PromptBox onInvoke={() => undefined} />);
    await user.type(screen.getByRole('textbox', { name: 'Prompt' }), 'a (fox)++');
    await screen.findByText('1.21');
    await screen.findByText(/Column 3: a bracket is never closed/);
    await screen.findByText('2 / 75 tokens');
  });
  test('Enter draws, with Shift it breaks the line', async () => {
    const invoke = vi.fn();
    render_in_page(<PromptBox onInvoke={invoke} />);
    const box = screen.getByRole('textbox', { name: 'Prompt' });
    await user.type(box, 'one{Shift>}{Enter}{/Shift}two');
    expect(invoke).not.toHaveBeenCalled();
    await user.type(box, '{Enter}');
    expect(invoke).toHaveBeenCalledTimes(1);
    expect(useParameters.getState().prompt).toBe('one\ntwo');
  });
});

describe('the button', () => {
  test('says why it waits, and asks nothing of the server', async () => {
    render_in_page(<InvokeBar mode="text" />);
    const button = screen.getByRole('button', { name: 'Invoke' });
    expect(button.getAttribute('aria-disabled')).toBe('true');
    await user.click(button);
    expect(asked.filter((one) => one.route === 'POST jobs')).toEqual([]);
    await user.hover(button);
    expect((await screen.findAllByText('Write a prompt first.')).length).toBeGreaterThan(0);
  });
  test('posts the job with previews', async () => {
    useParameters.setState({ prompt: 'a fox', values: { steps: 3 } });
    render_in_page(<InvokeBar mode="text" />);
    await user.click(screen.getByRole('button', { name: 'Invoke' }));
    await waitFor(() =>
      expect(asked.find((one) => one.route === 'POST jobs')?.body).toEqual({
        prompt: 'a fox',
        negative_prompt: '',
        values: { steps: 3 },
        preview_every: 1,
      }),
    );
  });
});

test.each([
  ['a {red|blue} star', true],
  ['a __colour__ star', true],
  ['{2$$a|b|c}', true],
  ['a {red} star', false],
  ['snake_case__', false],
])('%j is dynamic: %s', (prompt, wanted) => expect(is_dynamic(prompt)).toBe(wanted));
