-- Drives the server as a user of Neovim would, and prints what the editor shows.

local file = os.getenv('FILE')

local function say(what, value)
  io.stdout:write(what .. ': ' .. value .. '\n')
end

local function wait(what, condition)
  if not vim.wait(30000, condition, 10) then
    say('timeout', what)
    vim.cmd('cquit')
  end
end

local function lines()
  return vim.api.nvim_buf_get_lines(0, 0, -1, false)
end

-- Puts the cursor at a text.
local function go(text)
  for row, line in ipairs(lines()) do
    local column = line:find(text, 1, true)
    if column then
      vim.api.nvim_win_set_cursor(0, { row, column - 1 })
      return
    end
  end
  say('missing', text)
  vim.cmd('cquit')
end

-- Runs a command of the editor, and waits until it has changed the text.
local function change(what, command)
  local before = table.concat(lines(), '\n')
  command()
  wait(what, function()
    return table.concat(lines(), '\n') ~= before
  end)
end

vim.ui.select = function(items, _, choose)
  choose(items[1], 1)
end

vim.cmd('edit ' .. file)

local function diagnostics()
  return vim.diagnostic.get(0)
end
wait('diagnostics', function()
  return #diagnostics() == 1
end)
local found = diagnostics()[1]
say('diagnostic', found.code .. ' at ' .. found.lnum .. ':' .. found.col .. ' ' .. found.message:match('[^\n]*'))

go('windw')
change('code action', vim.lsp.buf.code_action)
wait('no diagnostics', function()
  return #diagnostics() == 0
end)
say('fixed', lines()[6])

go('method,')
vim.lsp.buf.hover()
local function floating()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then
      return window
    end
  end
end
wait('hover', floating)
say('hover', table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(floating()), 0, -1, false), ' '))
vim.api.nvim_win_close(floating(), true)

vim.lsp.buf.definition()
wait('definition', function()
  return vim.api.nvim_win_get_cursor(0)[1] == 2
end)
say('definition', lines()[vim.api.nvim_win_get_cursor(0)[1]])

go('method,')
change('rename', function()
  vim.lsp.buf.rename('verb')
end)
say('renamed', lines()[2] .. ' ' .. lines()[6])

change('format', function()
  vim.lsp.buf.format({ timeout_ms = 30000 })
end)
say('formatted', lines()[6])

-- A new line in the template, after a character of four bytes.
vim.api.nvim_buf_set_lines(0, 5, 6, false, { "template = '''", "# 😀", "sum by (😀v", "'''" })
vim.api.nvim_win_set_cursor(0, { 8, 0 })
local parameters = vim.lsp.util.make_position_params(0, 'utf-16')
-- As the protocol counts.
parameters.position.character = 11
local answers = vim.lsp.buf_request_sync(0, 'textDocument/completion', parameters, 30000)
for _, answer in pairs(answers) do
  for _, item in ipairs(answer.result.items) do
    if item.label == 'verb' then
      vim.lsp.util.apply_text_edits({ item.textEdit }, vim.api.nvim_get_current_buf(), 'utf-16')
    end
  end
end
say('completed', lines()[8])

vim.api.nvim_buf_set_lines(0, 5, 8, false, { "template = '''", "# 😀", "topk by (verb)(3, v)" })
parameters.position = { line = 7, character = 18 }
for _, answer in pairs(vim.lsp.buf_request_sync(0, 'textDocument/signatureHelp', parameters, 30000)) do
  local signature = answer.result.signatures[1]
  local label = signature.parameters[signature.activeParameter + 1].label
  say('signature', signature.label .. ' at ' .. signature.label:sub(label[1] + 1, label[2]))
end

go('verb)')
vim.lsp.buf.references()
wait('references', function()
  return #vim.fn.getqflist() == 2
end)
for _, reference in ipairs(vim.fn.getqflist()) do
  say('reference', reference.lnum .. ' ' .. reference.text)
end
vim.cmd('cclose')
vim.fn.setqflist({})

vim.lsp.buf.document_symbol()
wait('symbols', function()
  return #vim.fn.getqflist() > 0 or #vim.fn.getloclist(0) > 0
end)
local symbols = {}
for _, symbol in ipairs(#vim.fn.getqflist() > 0 and vim.fn.getqflist() or vim.fn.getloclist(0)) do
  table.insert(symbols, symbol.text)
end
say('symbols', table.concat(symbols, ', '))
vim.cmd('qall!')
